// OIDC tokens of workflow steps: which are taken, which are not, and what the user is told.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createOidcVerifier } from "../../shared/adapters/oidc/oidc-verifier.ts";
import { T0 } from "../domain/builders.ts";
import type { ManualClock } from "../fakes/clock.ts";
import { manualClock } from "../fakes/clock.ts";
import type { OidcIssuer, TokenChanges } from "../fakes/oidc-issuer.ts";
import { AUDIENCE, startOidcIssuer } from "../fakes/oidc-issuer.ts";

let issuer: OidcIssuer;
let clock: ManualClock;
beforeEach(async () => {
  issuer = await startOidcIssuer();
  clock = manualClock(T0);
});
afterEach(() => issuer.close());

const verifier = () =>
  createOidcVerifier({ issuer: issuer.url, audience: AUDIENCE, clock, random: { fraction: () => 0 } });

test("a workflow run's token says who it is", async () => {
  const verdict = await verifier().verify(await issuer.sign(T0));
  expect(verdict).toMatchObject({
    type: "verified",
    identity: {
      owner: { id: 4711, login: "Acme" },
      repository: { id: 81, name: "kernels" },
      runId: 7001,
      runAttempt: 1,
    },
  });
});

test("neither runner_environment nor check_run_id is needed", async () => {
  const token = await issuer.sign(T0, { claims: { runner_environment: undefined, check_run_id: undefined } });
  expect(await verifier().verify(token)).toMatchObject({ type: "verified" });
});

const WRONG: readonly [string, TokenChanges, "expired" | "invalid", RegExp][] = [
  [
    "another audience",
    { audience: "https://elsewhere.example" },
    "invalid",
    /another audience; request it for https:\/\/dispatch/,
  ],
  ["another issuer", { issuer: "https://token.actions.example" }, "invalid", /configured issuer/],
  ["a key that was never published", { forged: true }, "invalid", /configured issuer/],
  ["an end in the past", { ageMs: 400_000 }, "expired", /too old/],
  [
    "an age of over 10 min, though it claims to live on",
    { ageMs: 700_000, claims: { exp: T0 / 1_000 + 900 } },
    "expired",
    /too old/,
  ],
  [
    "no owner id",
    { claims: { repository_owner_id: undefined } },
    "invalid",
    /repository_owner_id is missing/,
  ],
  ["an odd repository", { claims: { repository: "a/b; id" } }, "invalid", /repository is missing or odd/],
  ["no jti", { claims: { jti: undefined } }, "invalid", /configured issuer|jti/],
  ["no time of issue", { claims: { iat: undefined } }, "invalid", /configured issuer/],
];

test.each(WRONG)("refused: %s", async (_name, changes, reason, message) => {
  const verdict = await verifier().verify(await issuer.sign(T0, changes));
  expect(verdict).toMatchObject({ type: "refused", reason, message: expect.stringMatching(message) });
});

test.each(["a.b.c", "e30.e30.e30", `${btoa('{"alg":"none"}')}.e30.`, "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"])(
  "no token at all: %s",
  async (text) => {
    expect(await verifier().verify(text)).toMatchObject({ type: "refused", reason: "invalid" });
  },
);

describe("the issuer's keys", () => {
  test("are asked for once", async () => {
    const one = verifier();
    for (let times = 0; times < 5; times++) await one.verify(await issuer.sign(T0));
    expect(issuer.asked()).toBe(1);
  });

  test("a flood of unknown key ids asks once more at most", async () => {
    const one = verifier();
    await one.verify(await issuer.sign(T0));
    await issuer.rotate();
    for (let times = 0; times < 5; times++) await one.verify(await issuer.sign(T0));
    expect(issuer.asked()).toBeLessThanOrEqual(2);
  });

  test("that cannot be had are a fault, not a refusal", async () => {
    issuer.broken = true;
    await expect(verifier().verify(await issuer.sign(T0))).rejects.toThrow(/keys of the OIDC issuer/);
    issuer.broken = false;
    expect(await verifier().verify(await issuer.sign(T0))).toMatchObject({ type: "verified" });
  });
});
