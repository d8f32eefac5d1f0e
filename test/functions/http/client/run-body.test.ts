// The body of /run: what is taken, what is refused with which sentence, and that no refusal quotes it.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRunBody } from "../../../../functions/http/client/run-body.ts";

const nested = (levels: number) => `{"input":${"[".repeat(levels)}${"]".repeat(levels)}}`;

test.each([
  ["an object", '{"input":{"a":1}}', { input: { a: 1 } }],
  ["null", '{"input":null}', { input: null }],
  ["a text", '{"input":"x"}', { input: "x" }],
  ["what a client in Python leaves out", '{"input":{},"webhook":null,"policy":null}', { input: {} }],
  ["fields that nobody knows", '{"input":{},"id":"mine"}', { input: {} }],
  ["brackets in a text", `{"input":"${"[".repeat(600)}\\"["}`, { input: `${"[".repeat(600)}"[` }],
])("taken: %s", (_name, text, body) => {
  expect(parseRunBody(text)).toMatchObject({ type: "parsed", body });
});

test("all of RunPod's fields", () => {
  const body = {
    input: {},
    webhook: "https://hooks.example.org/a",
    webhookV2: "https://hooks.example.org/b",
    policy: { executionTimeout: 5_000, ttl: 10_000, lowPriority: true },
    s3Config: { accessId: "id", accessSecret: "hidden", bucketName: "b", endpointUrl: "https://s3.example" },
  };
  expect(parseRunBody(JSON.stringify(body))).toMatchObject({ type: "parsed", body });
});

test.each([
  ["", /not JSON/],
  ["github_pat_secret", /not JSON/],
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
  [nested(499), undefined],
  [nested(500), /deeper than 500/],
  [nested(200_000), /deeper than 500/],
])("%.60s", (text, message) => {
  const parsed = parseRunBody(text);
  if (message === undefined) expect(parsed.type).toBe("parsed");
  else expect(parsed).toMatchObject({ type: "invalid", message: expect.stringMatching(message) });
  expect(JSON.stringify(parsed)).not.toContain("github_pat_secret");
});

describe("any JSON", () => {
  test("comes through as an input, and the hash is of the text as it came", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (input) => {
        const text = JSON.stringify({ input });
        const compact = parseRunBody(text);
        const spaced = parseRunBody(` ${text}`);
        if (compact.type !== "parsed" || spaced.type !== "parsed") throw new Error("not parsed");
        expect(JSON.stringify(compact.body.input)).toBe(JSON.stringify(input));
        expect(compact.rawHash).toMatch(/^[0-9a-f]{64}$/);
        expect(spaced.rawHash).not.toBe(compact.rawHash);
      }),
    );
  });

  test("that is cut off anywhere is refused without a throw", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (input, at) => {
        const text = JSON.stringify({ input });
        expect(parseRunBody(text.slice(0, at % text.length)).type).toBe("invalid");
      }),
    );
  });
});
