// What GitHub's refusals become: the fault, when to come back, a sentence with the next step, and no secret.
import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { refused } from "../../../shared/adapters/github/fault.ts";
import { retryAfterOf } from "../../../shared/adapters/github/retry-after.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import { type Caller, GithubError } from "../../../shared/ports/github.ts";
import { type Answer, type Bench, INSTALLATION_TOKEN, mints, START, startBench } from "./github-server.ts";

const org: RunnerScope = { type: "organization", org: "acme" };
const PATH = "POST /orgs/acme/actions/runners/generate-jitconfig";
const caller = (installationId: number): Caller => ({
  owner: { login: "acme", type: "Organization" },
  installationId,
});

let bench: Bench | undefined;
afterEach(async () => await bench?.close());

let next = 100;
async function faultAfter(answer: Answer, overrides = {}): Promise<GithubError> {
  const id = next++;
  bench = await startBench(
    {
      ...mints(id),
      "GET /orgs/acme/installation": { status: 200, body: { id } },
      [PATH]: answer,
    },
    overrides,
  );
  const runner = { name: "npud-a-1", labels: ["x"], runnerGroup: undefined };
  const error = await bench.github.jitConfig(caller(id), org, runner).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GithubError)) throw new Error(`expected a GithubError, got ${inspect(error)}`);
  return error;
}

const said = (message: string) => ({ body: { message, documentation_url: "https://docs.github.com" } });

describe("faults", () => {
  test.each<[string, Answer, Partial<GithubError>, RegExp]>([
    [
      "token refused",
      { status: 401, ...said("Bad credentials") },
      { fault: "unauthorized" },
      /token was not accepted/,
    ],
    [
      "missing permission",
      {
        status: 403,
        ...said("Resource not accessible by integration"),
        headers: { "x-accepted-github-permissions": "organization_self_hosted_runners=write" },
      },
      { fault: "forbidden", retryable: false },
      /organization acme .*lacks the permission "Organization: Self-hosted runners.*organization_self_hosted_runners=write/,
    ],
    [
      "IP allow list",
      {
        status: 403,
        ...said("the organization has an IP allow list enabled, and your IP address is not permitted"),
      },
      { fault: "forbidden" },
      /IP allow list does not have this dispatcher/,
    ],
    [
      "runners disabled",
      { status: 403, ...said("Repository level self-hosted runners are disabled on this repository.") },
      { fault: "forbidden" },
      /switched off/,
    ],
    [
      "primary limit",
      {
        status: 403,
        ...said("API rate limit exceeded for installation ID 1"),
        headers: {
          date: new Date(START).toUTCString(),
          "x-ratelimit-remaining": "0",
          "x-ratelimit-reset": `${START / 1_000 + 90}`,
        },
      },
      { fault: "rate-limited", retryAfterMs: 90_000, retryable: true },
      /Try again in 90 s/,
    ],
    [
      "secondary limit",
      {
        status: 403,
        ...said("You have exceeded a secondary rate limit"),
        headers: { "retry-after": "30" },
      },
      { fault: "rate-limited", retryAfterMs: 30_000 },
      /Try again in 30 s/,
    ],
    [
      "429 without a header",
      { status: 429 },
      { fault: "rate-limited", retryAfterMs: 60_000 },
      /Try again in 60 s/,
    ],
    [
      "unknown",
      { status: 404, ...said("Not Found") },
      { fault: "not-found", status: 404 },
      /not installed there or lacks/,
    ],
    ["taken", { status: 409, ...said("Already exists") }, { fault: "conflict" }, /use another name/],
    [
      "invalid, with details",
      { status: 422, body: { message: "Validation Failed", errors: [{ field: "labels" }] } },
      { fault: "invalid", status: 422 },
      /Validation Failed: \[\{"field":"labels"\}\]/,
    ],
    [
      "server error",
      { status: 502, body: "<html>oops</html>" },
      { fault: "unavailable", retryable: true },
      /HTML page/,
    ],
    [
      "cut connection",
      { status: 0, hangUp: true },
      { fault: "unavailable", status: undefined },
      /could not be asked/,
    ],
    ["unexpected body", { status: 201, body: { hello: 1 } }, { fault: "unavailable" }, /not understood/],
  ])("%s", async (_name, answer, fields, sentence) => {
    const error = await faultAfter(answer);
    expect(error).toMatchObject(fields);
    expect(error.message).toMatch(sentence);
    expect(error.message).toContain("acme");
    expect(error.message).not.toContain(INSTALLATION_TOKEN);
  });

  test("a stalled answer ends by the time-out", async () => {
    const error = await faultAfter({ status: 201, stall: true }, { timeoutMs: 80 });
    expect(error).toMatchObject({ fault: "unavailable" });
    expect(error.message).toContain("no complete answer in time");
  });

  test("a suspended installation", async () => {
    const suspended = { status: 403, ...said("This installation has been suspended") };
    bench = await startBench({ "POST /app/installations/90/access_tokens": suspended });
    await expect(bench.github.registrationToken(caller(90), org)).rejects.toMatchObject({
      fault: "suspended",
    });
  });

  test("the App's JWT refused: the key, or this machine's clock", async () => {
    const at = (date: number) => ({
      status: 401,
      ...said("A JSON web token could not be decoded"),
      headers: { date: new Date(date).toUTCString() },
    });
    const path = "POST /app/installations/91/access_tokens";
    bench = await startBench({ [path]: [at(START), at(START + 300_000)] });
    const ask = () => bench?.github.registrationToken(caller(91), org);
    await expect(ask()).rejects.toThrow(/current key of the App 42/);
    await expect(ask()).rejects.toThrow(/clock is 300 s behind GitHub's/);
  });

  test("while GitHub asked to wait, nothing is sent", async () => {
    const error = await faultAfter({ status: 429, headers: { "retry-after": "20" } });
    expect(error.fault).toBe("rate-limited");
    const before = bench?.asked.length;
    const again = () => bench?.github.findRunner(caller(next - 1), org, "x");
    await expect(again()).rejects.toMatchObject({ fault: "rate-limited", retryAfterMs: 20_000 });
    expect(bench?.asked).toHaveLength(before ?? -1);
    bench?.clock.advance(20_000);
    await expect(again()).rejects.toMatchObject({ fault: "not-found" });
    expect(bench?.asked.length).toBeGreaterThan(before ?? 0);
  });
});

describe("properties", () => {
  const call = { purpose: "register runner x", target: "organization acme", permission: "p" };
  const alnum = fc.string({ minLength: 20, maxLength: 60, unit: fc.constantFrom(..."abcXYZ0189") });
  const token = fc.oneof(
    alnum.map((text) => `ghs_${text}`),
    alnum.map((text) => `github_pat_${text}`),
    alnum.map((text) => `eyJ${text}.eyJ${text}.${text}`),
    fc
      .string({ minLength: 28, maxLength: 28, unit: fc.constantFrom(..."ABCDEF234567") })
      .map((text) => `A${text}`),
  );

  test("no token that GitHub or a proxy echoes reaches a message", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 400, max: 599 }),
        fc.string(),
        token,
        fc.string(),
        (status, before, secret, after) => {
          const refusal = { as: 1, status, headers: {}, text: `${before}${secret}${after}` };
          const error = refused(refusal, { call, appId: "42", now: START }, { ownStatus: true });
          expect(error.message).not.toContain(secret);
          expect(inspect(error)).not.toContain(secret);
          expect(error.retryable).toBe(
            status >= 500 || status === 429 || status === 408 || error.fault === "rate-limited",
          );
        },
      ),
    );
  });

  test("a wait is always between a second and an hour", () => {
    const header = fc.option(
      fc.oneof(
        fc.string(),
        fc.integer().map(String),
        fc.date({ noInvalidDate: true }).map((at) => at.toUTCString()),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(header, header, header, header, (date, retryAfter, remaining, reset) => {
        const headers = {
          date,
          "retry-after": retryAfter,
          "x-ratelimit-remaining": remaining,
          "x-ratelimit-reset": reset,
        };
        const wait = retryAfterOf(headers, START) ?? 1_000;
        expect(wait).toBeGreaterThanOrEqual(1_000);
        expect(wait).toBeLessThanOrEqual(3_600_000);
      }),
    );
  });
});
