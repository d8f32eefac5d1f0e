// What the started hook lets in: the hook itself as a process, with the folder that the worker makes for it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PolicySettings } from "../../../shared/protocol/worker-plane.ts";
import { createSystemClock } from "../../../worker/clock.ts";
import { createHookReports, type HookNews } from "../../../worker/hooks/hook-reports.ts";
import { installHooks } from "../../../worker/hooks/hooks.ts";
import { ACME, pullFrom } from "../support/hooked-job.ts";
import { createKeptLog } from "../support/kept-log.ts";

type Given = {
  readonly policy?: PolicySettings | undefined;
  readonly event?: string;
  readonly payload?: unknown;
  readonly workflowRef?: string;
  /** The image's own hook. */
  readonly own?: string;
};

/** Not started by Runner.Worker, a hook that refuses stays until it is killed: its end would let the next step begin. */
const REFUSED = "stays";
const PULL_REQUEST = { event: "pull_request", policy: ACME };

async function startedHook(given: Given) {
  const home = mkdtempSync(join(tmpdir(), "npd-hook-"));
  const news: HookNews[] = [];
  try {
    const env = given.own === undefined ? {} : { ACTIONS_RUNNER_HOOK_JOB_STARTED: given.own };
    const installed = await installHooks({
      home,
      owner: undefined,
      env,
      policy: given.policy,
      containers: undefined,
    });
    if (!installed.ok) throw new Error(installed.message);
    const { reports, variables } = installed.hooks;
    const onNews = (one: HookNews) => void news.push(one);
    const taker = createHookReports({
      folder: reports,
      clock: createSystemClock(),
      log: createKeptLog(),
      onNews,
    });
    taker.expect();
    const event = join(home, "event.json");
    if (given.payload !== undefined) writeFileSync(event, JSON.stringify(given.payload));
    const path = variables["ACTIONS_RUNNER_HOOK_JOB_STARTED"]!;
    const { code, output } = await runNode(path, { ...variablesOf(given), GITHUB_EVENT_PATH: event });
    await taker.end();
    const [first] = news;
    return { code, output, refusal: first?.type === "started" ? first.refusal : "no report came" };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function variablesOf({ event = "push", workflowRef }: Given): Record<string, string> {
  return {
    GITHUB_REPOSITORY: "Acme/kernels",
    GITHUB_REPOSITORY_ID: "81",
    GITHUB_RUN_ID: "7001",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "build",
    GITHUB_EVENT_NAME: event,
    ...(workflowRef !== undefined && { GITHUB_WORKFLOW_REF: workflowRef }),
  };
}

async function runNode(path: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [path], { env: { PATH: process.env["PATH"], ...env } });
  let output = "";
  let stays = false;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (!output.includes("its worker ends it")) return;
    stays = true;
    child.kill("SIGKILL");
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code: stays ? REFUSED : code, output };
}

describe("a pull request", () => {
  it.each([
    ["from a fork", pullFrom({ id: 6_666, name: "eve/kernels" }), "a fork of Acme/kernels (eve/kernels)"],
    ["whose fork is gone", pullFrom(null), "which is gone"],
    ["that does not say where it comes from", {}, "a repository that GitHub does not name"],
    ["whose event is not there", undefined, "a repository that GitHub does not name"],
  ])("%s is refused", async (_what, payload, says) => {
    const { code, refusal, output } = await startedHook({ ...PULL_REQUEST, payload });
    expect(code).toBe(REFUSED);
    expect(refusal).toContain(says);
    expect(output).toContain(`::error title=Refused by policy::${refusal}`);
  });

  // A repository that is itself a fork has pull requests of its own, whose head has the flag `fork`.
  it("from a branch of the repository runs", async () => {
    const payload = pullFrom({ id: 81, name: "Acme/kernels" });
    expect(await startedHook({ ...PULL_REQUEST, payload })).toMatchObject({ code: 0, refusal: undefined });
  });

  it.each([
    ["forks: allow", { ...ACME, forks: "allow" as const }],
    ["no policy at all", undefined],
  ])("from a fork runs with %s", async (_what, policy) => {
    const payload = pullFrom({ id: 6_666, name: "eve/kernels" });
    const outcome = await startedHook({ ...PULL_REQUEST, payload, policy });
    expect(outcome).toMatchObject({ code: 0, refusal: undefined });
  });
});

it.each([
  ["a schedule", { event: "schedule", payload: { schedule: "0 0 * * *" } }],
  ["an event without a file", { event: "workflow_dispatch" }],
])("%s is no pull request", async (_what, given) => {
  expect(await startedHook({ ...given, policy: ACME })).toMatchObject({ code: 0, refusal: undefined });
});

describe("workflows", () => {
  const workflows = [".github/workflows/npu.yml", ".github/workflows/rel-*.yml@refs/heads/release/*"];
  const at = (file: string, ref: string) => `Acme/kernels/.github/workflows/${file}@refs/heads/${ref}`;

  it.each([
    [at("npu.yml", "any"), 0],
    [at("rel-1.yml", "release/1/x"), 0],
    [at("rel-1.yml", "main"), REFUSED],
    [at("npu.yml.evil.yml", "main"), REFUSED],
    [at("npu_yml", "main"), REFUSED],
    // The same path in another repository is another workflow.
    ["eve/kernels/.github/workflows/npu.yml@refs/heads/any", REFUSED],
    // An old GitHub Enterprise Server does not say.
    [undefined, REFUSED],
  ])("%s: %s", async (workflowRef, code) => {
    const given = { policy: { ...ACME, workflows }, ...(workflowRef !== undefined && { workflowRef }) };
    const outcome = await startedHook(given);
    expect(outcome.code).toBe(code);
    if (code === REFUSED)
      expect(outcome.refusal).toContain("among workflows of the tenant acme in dispatch.yaml");
  });
});

describe("repositories", () => {
  it.each([
    [["KERNELS"], 0],
    [["models", "kern*"], 0],
    [["kernel"], REFUSED],
  ])("%s: %s", async (repositories, code) => {
    const outcome = await startedHook({ policy: { ...ACME, repositories } });
    expect(outcome.code).toBe(code);
    if (code === REFUSED) expect(outcome.refusal).toContain("add kernels there");
  });
});

describe("the image's own hook", () => {
  it("is not run for a job that is refused", async () => {
    const { code, output } = await startedHook({
      ...PULL_REQUEST,
      payload: pullFrom(null),
      own: "/nowhere/own.sh",
    });
    expect(code).toBe(REFUSED);
    expect(output).not.toContain("/nowhere/own.sh");
  });

  it.each(["/nowhere/own.py", "/nowhere/own.sh"])("that cannot be run fails the job: %s", async (own) => {
    const { code, refusal } = await startedHook({ own });
    expect(code).not.toBe(0);
    expect(refusal).toBeUndefined();
  });
});
