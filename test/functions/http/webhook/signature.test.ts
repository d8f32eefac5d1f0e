// The check of GitHub's signature.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSignatureCheck } from "../../../../functions/http/webhook/signature.ts";
import { redact } from "../../../../shared/redacted.ts";
import { sign } from "../http-world.ts";

const check = createSignatureCheck(redact("new-secret"), redact("old-secret"));

test("either secret is valid while one is replaced, only the new one after", async () => {
  expect(await check("body", sign("body", "new-secret"))).toBe("valid");
  expect(await check("body", sign("body", "old-secret"))).toBe("valid");
  const after = createSignatureCheck(redact("new-secret"));
  expect(await after("body", sign("body", "old-secret"))).toBe("wrong");
});

test.each([
  ["body", undefined],
  ["body", ""],
  ["", sign("", "new-secret")],
])("%j with %j is missing", async (body, header) => {
  expect(await check(body, header)).toBe("missing");
});

test("GitHub's documented example", async () => {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  const documented = createSignatureCheck(redact("It's a Secret to Everybody"));
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  expect(await documented("Hello, World!", signature)).toBe("valid");
});

test("no other header is ever valid, and none throws", async () => {
  const header = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^sha256=[0-9a-f]{0,70}$/));
  await fc.assert(
    fc.asyncProperty(header, fc.string({ minLength: 1 }), async (text, body) => {
      expect(await check(body, text)).toBe(text === "" ? "missing" : "wrong");
    }),
  );
});
