// The body of /run: what is taken, what is refused with which sentence, and that no refusal quotes it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRunBody } from "../../../../functions/http/client/run-body.ts";
import { aBody } from "../../../fakes/bodies.ts";

test.each([
  ["an object", '{"input":{"a":1}}', { input: { a: 1 } }],
  ["null", '{"input":null}', { input: null }],
  ["a text", '{"input":"x"}', { input: "x" }],
  ["what a client in Python leaves out", '{"input":{},"webhook":null,"policy":null}', { input: {} }],
  ["fields that nobody knows", '{"input":{},"id":"mine"}', { input: {} }],
  ["brackets in a text", `{"input":"${"[".repeat(600)}\\"["}`, { input: `${"[".repeat(600)}"[` }],
])("taken: %s", (_name, text, body) => {
  expect(parseRunBody(aBody(text))).toMatchObject({ type: "parsed", body });
});

test("all of RunPod's fields", () => {
  const body = {
    input: {},
    webhook: "https://hooks.example.org/a",
    webhookV2: "https://hooks.example.org/b",
    policy: { executionTimeout: 5_000, ttl: 10_000, lowPriority: true },
    s3Config: { accessId: "id", accessSecret: "hidden", bucketName: "b", endpointUrl: "https://s3.example" },
  };
  expect(parseRunBody(aBody(JSON.stringify(body)))).toMatchObject({ type: "parsed", body });
});

test("what was not given comes as null or as an empty text, in the policy too", () => {
  const nothing = { webhook: "", webhookV2: null, s3Config: "", policy: { executionTimeout: null, ttl: "" } };
  const parsed = parseRunBody(aBody(JSON.stringify({ input: { webhook: "", n: null }, ...nothing })));
  expect(parsed).toMatchObject({ type: "parsed", body: { input: { webhook: "", n: null }, policy: {} } });
  expect(parsed).not.toHaveProperty("body.webhook");
  expect(parseRunBody(aBody('{"input":""}'))).toMatchObject({ type: "parsed", body: { input: "" } });
  expect(parseRunBody(aBody('{"input":null,"policy":""}'))).toMatchObject({ body: { input: null } });
});

test.each([
  ["[]", /must be an object/],
  ["null", /must be an object/],
  ['{"inputs":{}}', /needs an "input"/],
  ['{"input":{},"webhook":"ftp://x/github_pat_secret"}', /webhook must be/],
  [`{"input":{},"webhook":"https://x/${"a".repeat(2_048)}"}`, /webhook must be/],
  ['{"input":{},"policy":{"executionTimeout":4999}}', /policy.executionTimeout must be at least 5000 ms/],
  ['{"input":{},"policy":{"ttl":604800001}}', /policy.ttl must be at most 604800000 ms/],
  ['{"input":{},"policy":{"ttl":"1h"}}', /policy.ttl must be a whole number/],
  ['{"input":{},"policy":{"lowPriority":"yes"}}', /lowPriority must be true or false/],
  ['{"input":{},"s3Config":"github_pat_secret"}', /s3Config must be an object/],
  [`{"input":{},"s3Config":{"a":"${"é".repeat(7_996)}"}}`, undefined],
  [`{"input":{},"s3Config":{"a":"${"é".repeat(7_997)}"}}`, /s3Config must be .* at most 16000 bytes/],
])("%.60s", (text, message) => {
  const parsed = parseRunBody(aBody(text));
  if (message === undefined) expect(parsed.type).toBe("parsed");
  else expect(parsed).toMatchObject({ type: "invalid", message: expect.stringMatching(message) });
  expect(JSON.stringify(parsed)).not.toContain("github_pat_secret");
});

describe("any JSON", () => {
  test("comes through as an input, and the hash is of the text as it came", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (input) => {
        const text = JSON.stringify({ input });
        const compact = parseRunBody(aBody(text));
        const spaced = parseRunBody(aBody(` ${text}`));
        if (compact.type !== "parsed" || spaced.type !== "parsed") throw new Error("not parsed");
        expect(JSON.stringify(compact.body.input)).toBe(JSON.stringify(input));
        expect(compact.rawHash).toMatch(/^[0-9a-f]{64}$/);
        expect(spaced.rawHash).not.toBe(compact.rawHash);
      }),
    );
  });
});

describe("a large one", () => {
  const filling = "x".repeat(40_000);

  test("is parsed but for its input, which comes as its bytes", () => {
    const text = `{"policy":{"ttl":10000}, "input" : {"a":[1, "é${filling}"]} ,"webhook":null}`;
    const found = parseRunBody(aBody(text));
    if (found.type !== "parsed") throw new Error(found.message);
    expect({ ...found.body, input: undefined }).toEqual({ input: undefined, policy: { ttl: 10_000 } });
    expect(Buffer.from(found.body.input as Uint8Array).toString()).toBe(` {"a":[1, "é${filling}"]} `);
  });

  test.each([
    [`{"other":"${filling}"}`, /needs an "input"/],
    [`{"input":{},"webhook":"https://x/${filling}"}`, /webhook must be/],
    [`{"input":{},"policy":{"lowPriority":"yes"},"other":"${filling}"}`, /lowPriority must be true or false/],
    [`["${filling}"]`, /must be an object/],
  ])("%.40s", (text, message) => {
    expect(parseRunBody(aBody(text))).toMatchObject({
      type: "invalid",
      message: expect.stringMatching(message),
    });
  });

  test("a small input beside something large is an input like others", () => {
    expect(parseRunBody(aBody(`{"input":{"a":1},"other":"${filling}"}`))).toMatchObject({
      type: "parsed",
      body: { input: { a: 1 } },
    });
  });

  test("what is not UTF-8 is refused, and not stored as something else", () => {
    const body = aBody(`{"input":"${filling}"}`);
    body.bytes[20] = 0xff;
    expect(parseRunBody(body)).toMatchObject({ message: "the body is not UTF-8, which JSON is" });
  });
});
