// A dispatcher without a GitHub App: a person's token works, everything else is refused before a call.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithub, type GithubAdapter } from "../../../shared/adapters/github/github.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Caller } from "../../../shared/ports/github.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type GithubStandIn, startGithubStandIn } from "../../fakes/github/stand-in.ts";

const ORG: RunnerScope = { type: "organization", org: "acme" };
const OWNER = { id: 1, login: "acme", type: "Organization" } as const;
const quiet = () => undefined;

let standIn: GithubStandIn;
let github: GithubAdapter;

beforeEach(async () => {
  const clock = manualClock(Date.now());
  standIn = await startGithubStandIn({ now: clock.now });
  standIn.addOrganization("acme", { installed: false });
  github = createGithub({
    app: undefined,
    apiUrl: standIn.apiUrl,
    clock,
    random: { token: (length: number) => "r".repeat(length), fraction: () => 0 },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    pause: async () => undefined,
  });
});
afterEach(async () => await standIn.stop());

const nobody: Caller = { owner: OWNER, installationId: undefined };
const known: Caller = { owner: OWNER, installationId: 7 };

test("a token that a job brings registers its runner, and sees its registrations", async () => {
  const caller = { ...nobody, token: standIn.addPersonalAccessToken("acme") };
  expect((await github.registrationToken(caller, ORG)).token).toMatch(/^[A-Z0-9]{29}$/);
  expect(await github.listRunners(caller, ORG)).toEqual([]);
  expect(standIn.clientCalls.map(({ path }) => path.replace(/\?.*/, ""))).toEqual([
    "/orgs/acme/actions/runners/registration-token",
    "/orgs/acme/actions/runners",
  ]);
});

test.each([
  ["nobody known", nobody],
  ["an installation of before", known],
])("without one it is said what to do, and GitHub is not called: %s", async (_who, caller) => {
  for (const call of [
    () => github.registrationToken(caller, ORG),
    () => github.jitConfig(caller, ORG, { name: "w", labels: ["npu"], runnerGroup: undefined }),
    () => github.workflowRun(caller, { owner: "acme", repo: "kernels", runId: 1 }),
    () => github.findRunner(caller, ORG, "w"),
  ]) {
    await expect(call()).rejects.toMatchObject({
      fault: "unauthorized",
      message: expect.stringMatching(/no GitHub App.*input\.github_pat.*GITHUB_APP_ID/),
    });
  }
  expect(standIn.clientCalls).toEqual([]);
});

test("what the sweeps ask for is empty", async () => {
  expect(await github.deliveries()).toEqual({ deliveries: [], next: undefined });
  expect(await github.listRunners(known, ORG)).toEqual([]);
  const repository = { owner: OWNER, id: 81, name: "kernels" };
  expect(await github.openJobs(known, repository)).toEqual({ words: [], next: undefined });
  expect(standIn.clientCalls).toEqual([]);
});
