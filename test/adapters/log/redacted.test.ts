// A redacted secret shows in no text, and secrets compare by content.
import { format, inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equalSecrets } from "../../../shared/adapters/crypto/equal.ts";
import { type Redacted, redact, reveal } from "../../../shared/redacted.ts";

const SECRET = "s3cr3t-text";
const secret = redact(SECRET);

describe("redacted", () => {
  test.each<[string, () => string]>([
    ["JSON", () => JSON.stringify({ secret })],
    ["String()", () => String(secret)],
    ["template", () => `${secret}`],
    ["concatenation", () => "".concat(secret as unknown as string)],
    ["inspect", () => inspect({ deep: [secret] }, { depth: 9, showHidden: true })],
    ["inspect without customs", () => inspect(secret, { customInspect: false, showHidden: true })],
    ["format", () => format("%s %o %j", secret, secret, secret)],
    ["structured clone", () => JSON.stringify(structuredClone(secret))],
    ["spread", () => JSON.stringify({ ...secret })],
    ["error message", () => inspect(new Error(`bad ${secret}`, { cause: secret }))],
  ])("%s shows the mask", (_name, print) => {
    expect(print()).toContain("[redacted]");
    expect(print()).not.toContain(SECRET);
  });

  test("reveal gives it back, but not from a copy", () => {
    expect(reveal(secret)).toBe(SECRET);
    for (const copy of [structuredClone(secret), { ...secret }, JSON.parse(JSON.stringify({ secret }))]) {
      expect(() => reveal(copy as Redacted)).toThrow(/copy and holds no secret/);
    }
  });

  test("it cannot be changed", () => {
    expect(Object.isFrozen(secret)).toBe(true);
  });
});

describe("equalSecrets", () => {
  test("equal exactly when the texts are", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => equalSecrets(a, b) === (a === b)));
    fc.assert(fc.property(fc.string(), (text) => equalSecrets(text, Buffer.from(text))));
  });
});
