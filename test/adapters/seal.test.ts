// Seals: they open for their own item and for both secrets during rotation, and for nothing else, whatever is sent.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSeal } from "../../shared/adapters/crypto/seal.ts";
import { redact } from "../../shared/redacted.ts";

const seal = createSeal(redact("secret-of-today"), redact("secret-of-yesterday"));

test("what was sealed for an item opens for it, and twice the same is sealed differently", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (item, secret) => {
      const sealed = seal.seal(item, secret);
      expect(seal.open(item, sealed)).toBe(secret);
      expect(seal.open(`${item}x`, sealed)).toBeUndefined();
      expect(seal.seal(item, secret)).not.toBe(sealed);
    }),
  );
});

test("it does not show what is in it", () => {
  const sealed = seal.seal("job", "ghp_secret");
  expect(sealed).toMatch(/^npuds1\.[0-9a-f]{8}\.[\w-]+$/);
  expect(sealed + Buffer.from(sealed.split(".")[2] ?? "", "base64url").toString("latin1")).not.toContain(
    "ghp_",
  );
});

test("rotation: yesterday's seals open, today's are made with today's secret", () => {
  const yesterday = createSeal(redact("secret-of-yesterday"));
  const tomorrow = createSeal(redact("secret-of-tomorrow"), redact("secret-of-today"));
  expect(seal.open("job", yesterday.seal("job", "x"))).toBe("x");
  expect(yesterday.open("job", seal.seal("job", "x"))).toBeUndefined();
  expect(tomorrow.open("job", seal.seal("job", "x"))).toBe("x");
  expect(tomorrow.open("job", yesterday.seal("job", "x"))).toBeUndefined();
});

test("one changed character is enough, and garbage is no fault", () => {
  const sealed = seal.seal("job", "ghp_secret");
  fc.assert(
    fc.property(fc.nat(sealed.length - 2), (at) => {
      const changed = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
      expect(seal.open("job", changed)).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.constant(sealed.slice(0, 20))), (garbage) => {
      expect(seal.open("job", garbage)).toBeUndefined();
      expect(seal.open("job", `npuds1.${sealed.split(".")[1]}.${garbage}`)).toBeUndefined();
    }),
  );
});
