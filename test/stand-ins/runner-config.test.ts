// config.sh of the runner stand-in: what it registers, what it refuses and in which words.
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type GithubStandIn, startGithubStandIn } from "../fakes/github/stand-in.ts";
import { installRunnerStandIn } from "../fakes/runner/install.ts";
import { ask, mint } from "./github-client.ts";
import { startScript } from "./runner-process.ts";

let github: GithubStandIn;
let folder: string;
let root: string;
let token: string;
let nowMs: number;
let installationId: number | undefined;

beforeEach(async () => {
  nowMs = 1_795_000_000_000;
  github = await startGithubStandIn({ now: () => nowMs });
  installationId = github.addOrganization("octo-org", { runnerGroups: [{ name: "npus" }] }).installationId;
  github.addRepository("octo-org", "widgets");
  token = await tokenFor("registration");
  folder = await mkdtemp(join(tmpdir(), "runner-stand-in-"));
  root = await installRunnerStandIn(join(folder, "runner"));
});

afterEach(async () => {
  await github.stop();
  await rm(folder, { recursive: true, force: true });
});

async function tokenFor(kind: "registration" | "remove"): Promise<string> {
  const path = `/orgs/octo-org/actions/runners/${kind}-token`;
  return (await ask(github, "POST", path, { token: await mint(github, installationId, nowMs) })).body.token;
}

/** @param changes arguments; undefined leaves one out, true gives the flag alone */
async function config(
  changes: Readonly<Record<string, string | true | undefined>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly text: string }> {
  const all: Readonly<Record<string, string | true | undefined>> = {
    unattended: true,
    url: `${github.apiUrl}/octo-org`,
    token,
    name: "w-1",
    ...changes,
  };
  const args = Object.entries(all).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return value === true ? [`--${name}`] : [`--${name}`, value];
  });
  const script = startScript(root, "config.sh", args, environment);
  return { code: (await script.ended).code, text: script.text() };
}

test("registers with default labels, group and work folder, and writes its files", async () => {
  const { code, text } = await config({
    labels: "npu,a2, not trimmed",
    runnergroup: "NPUs",
    work: "_jobs",
    ephemeral: true,
  });
  expect(code).toBe(0);
  for (const mark of [
    "Connected to GitHub",
    "Runner successfully added",
    "Runner connection is good",
    "Settings Saved.",
  ])
    expect(text).toContain(`√ ${mark}`);
  expect(github.runners("octo-org")).toMatchObject([
    { name: "w-1", runnerGroup: "npus", ephemeral: true, status: "offline", version: "2.336.0" },
  ]);
  expect(github.runners("octo-org")[0]?.labels).toEqual([
    "self-hosted",
    "Linux",
    expect.any(String),
    "npu",
    "a2",
    // CommandSettings.cs:354-357 of actions/runner.
    " not trimmed",
  ]);
  for (const file of [".runner", ".credentials", ".credentials_rsaparams"])
    expect(existsSync(join(root, file)), file).toBe(true);
});

// ConfigurationStore.cs:236-242 of actions/runner.
test.each([".runner", ".runner_migrated"])("a folder with %s is configured already", async (name) => {
  await writeFile(join(root, name), "{}");
  const args = ["--unattended", "--url", `${github.apiUrl}/octo-org`, "--token", "any"];
  const script = startScript(root, "config.sh", args);
  expect((await script.ended).code).toBe(1);
  expect(script.text()).toContain("already configured");
});

test("takes every argument from ACTIONS_RUNNER_INPUT_*", async () => {
  const environment = {
    ACTIONS_RUNNER_INPUT_URL: `${github.apiUrl}/octo-org`,
    ACTIONS_RUNNER_INPUT_TOKEN: token,
    ACTIONS_RUNNER_INPUT_NAME: "from-env",
    ACTIONS_RUNNER_INPUT_LABELS: "npu",
    ACTIONS_RUNNER_INPUT_NO_DEFAULT_LABELS: "true",
    ACTIONS_RUNNER_INPUT_EPHEMERAL: "true",
    ACTIONS_RUNNER_INPUT_UNATTENDED: "true",
  };
  const none = { unattended: undefined, url: undefined, token: undefined, name: undefined };
  expect((await config(none, environment)).code).toBe(0);
  expect(github.runners("octo-org")).toMatchObject([{ name: "from-env", labels: ["npu"], ephemeral: true }]);
});

test.each([
  ["no URL", { url: undefined }, /Invalid configuration provided for url\. Terminating unattended/],
  [
    "a wrong token",
    { token: "AAAA" },
    /Http response code: NotFound from 'POST .+\n.+\n.*404 \(Not Found\)\./,
  ],
  ["a repository's URL", { url: "repo" }, /404 \(Not Found\)/],
  ["an unknown group", { runnergroup: "gpus" }, /Could not find any self-hosted runner group named "gpus"\./],
  ["no labels at all", { "no-default-labels": true }, /--no-default-labels without specifying --labels/],
] as const)("refuses %s", async (_what, changes: Record<string, string | true | undefined>, message) => {
  const url = changes["url"] === "repo" ? { url: `${github.apiUrl}/octo-org/widgets` } : {};
  const { code, text } = await config({ ...changes, ...url });
  expect(code).toBe(1);
  expect(text).toMatch(message);
  expect(github.runners("octo-org")).toEqual([]);
  expect(existsSync(join(root, ".runner"))).toBe(false);
});

test("refuses an expired token, an old version, root, and when told to fail", async () => {
  expect((await config({}, { RUNNER_STAND_IN_FAULT: "config-fails" })).code).toBe(1);
  const old = await config({}, { RUNNER_STAND_IN_FAULT: "too-old" });
  expect(old).toMatchObject({ code: 1, text: expect.stringMatching(/v2.300.0 is deprecated/) });
  nowMs += 3_600_000;
  expect(await config()).toMatchObject({ code: 1, text: expect.stringMatching(/404/) });
  // Only root is refused; another user is let through to the refusal of the token.
  const asRoot = await config({}, { RUNNER_ALLOW_RUNASROOT: "" });
  expect(asRoot.text).toMatch(process.getuid?.() === 0 ? /Must not run with sudo/ : /404/);
});

test("a second registration: refused in the same folder, refused by name, done with --replace", async () => {
  expect((await config()).code).toBe(0);
  expect((await config()).text).toMatch(
    /already configured\. To reconfigure the runner, run 'config\.cmd remove'/,
  );
  root = await installRunnerStandIn(join(folder, "second"));
  const taken = await config();
  expect(taken).toMatchObject({
    code: 1,
    text: expect.stringMatching(/A runner exists with the same name w-1\./),
  });
  const replaced = await config({ replace: true });
  expect(replaced).toMatchObject({
    code: 0,
    text: expect.stringMatching(/√ Successfully replaced the runner/),
  });
  expect(github.runners("octo-org")).toHaveLength(1);
});

test("remove needs the right token and leaves nothing", async () => {
  await config();
  const remove = async (text: string) => {
    const script = startScript(root, "config.sh", ["remove", "--token", text]);
    return { code: (await script.ended).code, text: script.text() };
  };
  expect((await remove(token)).code).toBe(1);
  expect(github.runners("octo-org")).toHaveLength(1);
  const removed = await remove(await tokenFor("remove"));
  expect(removed.code).toBe(0);
  expect(removed.text).toMatch(/√ Runner removed successfully\n√ Removed \.credentials\n√ Removed \.runner/);
  expect(github.runners("octo-org")).toEqual([]);
});
