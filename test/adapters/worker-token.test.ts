// Worker tokens: they say what was signed, open for both secrets during rotation, and for nothing else.
import { createHmac, hkdfSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createWorkerTokens } from "../../shared/adapters/crypto/worker-token.ts";
import { endpointName, poolName, tenantId } from "../../shared/domain/ids.ts";
import { redact } from "../../shared/redacted.ts";
import { aWorkerId } from "../domain/builders.ts";

const CLAIMS = {
  worker: aWorkerId("npud-t3st00-worker0001"),
  pool: poolName("a2"),
  endpoint: endpointName("linux-aarch64-a2-1"),
  tenant: tenantId(4711),
};
const tokens = createWorkerTokens(redact("secret-of-today"), redact("secret-of-yesterday"));

test("what was signed is what is read, whatever the names", () => {
  const name = fc.string({ unit: "grapheme", maxLength: 40 });
  const worker = fc.stringMatching(/^[a-z0-9-]{1,50}$/).map(aWorkerId);
  fc.assert(
    fc.property(worker, name, name, name, (id, pool, endpoint, tenant) => {
      const claims = {
        worker: id,
        pool: poolName(pool),
        endpoint: endpointName(endpoint),
        tenant: tenantId(tenant),
      };
      expect(tokens.verify(tokens.sign(claims))).toEqual(claims);
    }),
  );
});

test("a token is fit for a header as it is", () => {
  expect(tokens.sign(CLAIMS)).toMatch(/^npudw1\.[\w-]+\.[\w-]{43}$/);
});

test("rotation: yesterday's tokens open, today's are signed with today's secret", () => {
  const yesterday = createWorkerTokens(redact("secret-of-yesterday"));
  const tomorrow = createWorkerTokens(redact("secret-of-tomorrow"), redact("secret-of-today"));
  expect(tokens.verify(yesterday.sign(CLAIMS))).toEqual(CLAIMS);
  expect(yesterday.verify(tokens.sign(CLAIMS))).toBeUndefined();
  expect(tomorrow.verify(tokens.sign(CLAIMS))).toEqual(CLAIMS);
  expect(tomorrow.verify(yesterday.sign(CLAIMS))).toBeUndefined();
});

test("one changed character opens nothing", () => {
  const token = tokens.sign(CLAIMS);
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(..."abcXYZ012-_."), (at, character) => {
      fc.pre(token[at] !== character);
      expect(tokens.verify(token.slice(0, at) + character + token.slice(at + 1))).toBeUndefined();
    }),
  );
});

test("noise is nobody's token and never throws", () => {
  const parts = fc.array(fc.base64String(), { maxLength: 4 }).map((texts) => ["npudw1", ...texts].join("."));
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), parts, fc.constant("npudw1.e30.".padEnd(5_000, "a"))),
      (text) => {
        expect(tokens.verify(text)).toBeUndefined();
      },
    ),
  );
});

test.each(["{}", '{"w":"UPPER","p":"a","e":"b","t":"c"}', "[]", "null"])(
  "signed by us, but no claims: %s",
  (body) => {
    const key = Buffer.from(hkdfSync("sha256", "secret-of-today", "", "npu-dispatch worker token", 32));
    const wire = Buffer.from(body).toString("base64url");
    const mac = createHmac("sha256", key).update(`npudw1.${wire}`).digest("base64url");
    expect(tokens.verify(`npudw1.${wire}.${mac}`)).toBeUndefined();
  },
);
