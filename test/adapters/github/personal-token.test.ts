// Calls with somebody's own personal access token instead of the App.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGithub, type GithubAdapter } from "../../../shared/adapters/github/github.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Caller, GithubError } from "../../../shared/ports/github.ts";
import { redact } from "../../../shared/redacted.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { type GithubStandIn, startGithubStandIn } from "../../fakes/github/stand-in.ts";

const ORG: RunnerScope = { type: "organization", org: "acme" };
const REPO: RunnerScope = { type: "repository", owner: "octocat", repo: "widgets" };
const quiet = () => undefined;

let standIn: GithubStandIn;
let github: GithubAdapter;
let clock: ManualClock;

beforeEach(async () => {
  clock = manualClock(Date.now());
  standIn = await startGithubStandIn({ now: clock.now });
  // The App is installed nowhere: whatever works, works by the token alone.
  standIn.addOrganization("acme", { installed: false });
  standIn.addUser("octocat", { installed: false });
  standIn.addRepository("octocat", "widgets");
  github = createGithub(depsOf());
});
afterEach(async () => await standIn.stop());

const depsOf = () => ({
  app: { appId: String(standIn.appId), privateKey: redact(standIn.privateKey) },
  apiUrl: standIn.apiUrl,
  clock,
  random: { token: (length: number) => "r".repeat(length), fraction: () => 0 },
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  pause: async () => undefined,
});
const as = (token: string): Caller => ({
  owner: { login: "acme", type: "Organization" },
  installationId: 1,
  token,
});
const faultOf = async (call: Promise<unknown>) =>
  await call.then(
    () => undefined,
    (error: GithubError) => error,
  );

describe("a personal access token", () => {
  test("registers at an organization and at a repository, without a call of the App", async () => {
    for (const [owner, scope] of [
      ["acme", ORG],
      ["octocat", REPO],
    ] as const) {
      const { token } = await github.registrationToken(as(standIn.addPersonalAccessToken(owner)), scope);
      expect(token).toMatch(/^[A-Z0-9]{29}$/);
    }
    expect(standIn.clientCalls.map(({ path }) => path)).toEqual([
      "/orgs/acme/actions/runners/registration-token",
      "/repos/octocat/widgets/actions/runners/registration-token",
    ]);
  });

  test("finds and removes the runner that it registered", async () => {
    const caller = as(standIn.addPersonalAccessToken("acme"));
    const made = await github.jitConfig(caller, ORG, {
      name: "w-1",
      labels: ["npu"],
      runnerGroup: undefined,
    });
    expect(await github.findRunner(caller, ORG, "w-1")).toMatchObject({ id: made.runnerId });
    expect(await github.deleteRunner(caller, ORG, made.runnerId)).toBe("deleted");
    expect(standIn.runners("acme")).toEqual([]);
  });

  test("what one token created is kept for it alone", async () => {
    const [one, other] = [standIn.addPersonalAccessToken("acme"), standIn.addPersonalAccessToken("acme")];
    const first = await github.registrationToken(as(one), ORG);
    expect(await github.registrationToken(as(one), ORG)).toEqual(first);
    expect((await github.registrationToken(as(other), ORG)).token).not.toBe(first.token);
    const refused = await faultOf(github.registrationToken(as("ghp_of_nobody_at_all"), ORG));
    expect(refused?.fault).toBe("unauthorized");
  });

  test.each([
    { name: "wrong", token: () => "ghp_wrong_wrong_wrong_wrong", fault: "unauthorized", says: /expired/ },
    {
      name: "without the scope",
      token: () => standIn.addPersonalAccessToken("acme", ["repo"]),
      fault: "forbidden",
      says: /admin:org.*Self-hosted runners, read and write/,
    },
    {
      name: "of another owner",
      token: () => standIn.addPersonalAccessToken("octocat"),
      fault: "not-found",
      says: /may not see it.*admin:org/,
    },
    { name: "with a line break", token: () => "ghp_first\nsecond", fault: "unauthorized", says: /one line/ },
  ])("$name: says what to do and never the token", async ({ token: make, fault, says }) => {
    const token = make();
    const error = await faultOf(github.registrationToken(as(token), ORG));
    expect(error).toMatchObject({ name: "GithubError", fault });
    expect(error?.message).toMatch(says);
    expect(error?.message).not.toMatch(/the App/);
    const text = [error?.message, error?.stack, String(error?.cause)].join("\n");
    for (const part of token.split("\n")) expect(text).not.toContain(part);
  });

  test("GitHub's own answer is quoted without the token, even if a proxy repeats the request", async () => {
    const token = "ANOTHER_SHAPE_OF_TOKEN_0123456789";
    const proxied = createGithub({
      ...depsOf(),
      fetch: async (_url, { headers }) =>
        Response.json(
          { message: `bad header ${JSON.stringify(headers)}` },
          {
            status: 400,
          },
        ) as never,
    });
    const error = await faultOf(proxied.registrationToken(as(token), ORG));
    expect(error?.message).toContain("bad header");
    expect(error?.message).not.toContain(token);
  });

  test("its rate limit stops its own calls and nobody else's", async () => {
    const [limited, other] = [standIn.addPersonalAccessToken("acme"), standIn.addPersonalAccessToken("acme")];
    standIn.failNext(/registration-token/, 429, 1, { "retry-after": "120" });
    expect((await faultOf(github.registrationToken(as(limited), ORG)))?.retryAfterMs).toBe(120_000);
    const calls = standIn.clientCalls.length;
    expect((await faultOf(github.registrationToken(as(limited), ORG)))?.fault).toBe("rate-limited");
    expect(standIn.clientCalls.length).toBe(calls);
    expect(await faultOf(github.registrationToken(as(other), ORG))).toBeUndefined();
    clock.advance(120_000);
    expect(await faultOf(github.registrationToken(as(limited), ORG))).toBeUndefined();
  });
});

describe("a workflow run", () => {
  const asApp: Caller = { owner: { login: "globex", type: "Organization" }, installationId: undefined };
  const read = (runId: number) => github.workflowRun(asApp, { owner: "globex", repo: "app", runId });
  let runId: number;

  beforeEach(() => {
    standIn.addOrganization("globex");
    runId = standIn.startRun("globex", "app");
  });

  test("goes on, ends, and is started again", async () => {
    expect(await read(runId)).toEqual({ status: "in_progress", conclusion: undefined, runAttempt: 1 });
    const job = standIn.queueWorkflowJob({ owner: "globex", repo: "app", labels: ["npu"], runId });
    standIn.endRun(runId, "cancelled");
    clock.advance(60_000);
    expect(await read(runId)).toEqual({ status: "completed", conclusion: "cancelled", runAttempt: 1 });
    standIn.rerun(job.id);
    clock.advance(60_000);
    expect(await read(runId)).toEqual({ status: "queued", conclusion: undefined, runAttempt: 2 });
  });

  test("one call a minute, however many ask", async () => {
    await read(runId);
    const calls = () => standIn.clientCalls.filter(({ path }) => path.includes("/actions/runs/")).length;
    await Promise.all(Array.from({ length: 50 }, () => read(runId)));
    expect(calls()).toBe(1);
    clock.advance(60_000);
    await Promise.all(Array.from({ length: 50 }, () => read(runId)));
    expect(calls()).toBe(2);
  });

  test("is unknown: deleted, or not for the App", async () => {
    expect(await read(1)).toBeUndefined();
    standIn.addOrganization("small", { permissions: { metadata: "read" } });
    const small: Caller = { owner: { login: "small", type: "Organization" }, installationId: undefined };
    const id = standIn.startRun("small", "app");
    const error = await faultOf(github.workflowRun(small, { owner: "small", repo: "app", runId: id }));
    expect(error).toMatchObject({ fault: "forbidden" });
    expect(error?.message).toContain("Actions, read");
  });
});
