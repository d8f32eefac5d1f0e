// Whether a runner group admits a repository, asked of the stand-in as of GitHub: once, and before a runner waits in vain.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createGithub, type GithubAdapter } from "../../../shared/adapters/github/github.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Caller } from "../../../shared/ports/github.ts";
import { redact } from "../../../shared/redacted.ts";
import { type GithubStandIn, startGithubStandIn } from "../../fakes/github/stand-in.ts";

const scope: RunnerScope = { type: "organization", org: "acme" };
const quiet = () => undefined;
const HOUR_MS = 3_600_000;

let standIn: GithubStandIn;
let github: GithubAdapter;
let caller: Caller;
let now: number;

beforeEach(async () => {
  standIn = await startGithubStandIn();
  const { installationId } = standIn.addOrganization("acme", {
    runnerGroups: [
      { name: "closed", visibility: "selected", repositories: ["other"] },
      { name: "private", visibility: "private" },
    ],
  });
  standIn.addRepository("acme", "app");
  standIn.addRepository("acme", "open", { private: false });
  caller = { owner: { login: "acme", type: "Organization" }, installationId };
  now = Date.now();
  github = createGithub({
    app: { appId: String(standIn.appId), privateKey: redact(standIn.privateKey) },
    apiUrl: standIn.apiUrl,
    clock: { now: () => now },
    random: { token: (length) => "0".repeat(length), fraction: () => 0 },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    pause: async () => undefined,
  });
});
afterEach(async () => await standIn.stop());

const ask = (runnerGroup: string | undefined, repository: string, who = caller) =>
  github.groupRefusal(who, scope, { runnerGroup, repository });

test.each([
  [undefined, "app"],
  ["private", "app"],
])("group %s admits %s", async (group, repository) => {
  expect(await ask(group, repository)).toBeUndefined();
});

test.each([
  [undefined, "open", /^The default runner group of organization acme does not admit repository open/],
  ["closed", "app", /^Runner group "closed" of organization acme does not admit repository app/],
  ["private", "open", /allow public repositories.*settings\/actions\/runner-groups\/\d+/],
])("group %s does not admit %s", async (group, repository, text) => {
  expect(await ask(group, repository)).toMatch(text);
});

test("it is asked once an hour of what is admitted, and after half a minute of what is not", async () => {
  const calls = () =>
    standIn.clientCalls.filter((call) => JSON.stringify(call).includes("visible_to_repository"));
  for (let turn = 0; turn < 5; turn++) {
    await ask(undefined, "app");
    await ask("closed", "app");
  }
  expect(calls()).toHaveLength(2);
  now += 31_000;
  await ask(undefined, "app");
  await ask("closed", "app");
  expect(calls()).toHaveLength(3);
  now += HOUR_MS;
  await ask(undefined, "app");
  expect(calls()).toHaveLength(4);
});

test("where GitHub does not say, nothing is held against the group; a missing one is told", async () => {
  expect(await ask(undefined, "gone")).toBeUndefined();
  expect(await ask(undefined, "open", { ...caller, token: "ghp_x" })).toBeUndefined();
  expect(
    await github.groupRefusal(
      caller,
      { type: "repository", owner: "acme", repo: "open" },
      { runnerGroup: "closed", repository: "open" },
    ),
  ).toBeUndefined();
  await expect(ask("gpu", "app")).rejects.toThrow(/no runner group "gpu"/);
});
