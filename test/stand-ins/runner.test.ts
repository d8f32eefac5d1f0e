// The runner stand-in's listener: jobs, hooks, cancel, signals, exit codes and faults, with real processes.
import { existsSync, readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, mint } from "./github-client.ts";
import { until } from "./runner-process.ts";
import { childrenOf, openRunnerWorld, type RunnerWorld } from "./runner-world.ts";

let world: RunnerWorld;

beforeEach(async () => {
  world = await openRunnerWorld();
});

afterEach(() => world[Symbol.asyncDispose]());

test("an ephemeral runner takes one job, shows it, and is gone", async () => {
  await world.configure("--ephemeral");
  const script = world.run({ INHERITED: "yes", ACTIONS_RUNNER_INPUT_TOKEN: "hidden" });
  await script.printed(/Listening for Jobs/);
  expect(world.github.runners("octo-org")).toMatchObject([
    { status: "online", busy: false, version: "2.336.0" },
  ]);
  const id = world.queue(
    'echo "$GITHUB_REPOSITORY $RUNNER_NAME $INHERITED"',
    'test "$PWD" = "$GITHUB_WORKSPACE" && echo "at home"',
    "env | grep -c ACTIONS_RUNNER_INPUT || true",
    "printf unfinished",
  );
  expect(await script.ended).toEqual({ code: 0, signal: null });

  expect(world.github.workflowJob(id)).toMatchObject({
    conclusion: "success",
    runnerName: "w-1",
    lines: ["octo-org/widgets w-1 yes", "at home", "0", "unfinished"],
    stepsRun: ["Set up job", expect.stringMatching(/^Run echo/), "Complete job"],
  });
  expect(script.text()).toMatch(
    /^\n√ Connected to GitHub\n\nCurrent runner version: '2.336.0'\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ: Listening for Jobs\n.+Z: Running job: test\n.+Z: Job test completed with result: Succeeded\n√ Removed .credentials\n√ Removed .runner\nRunner listener exit with 0 return code, stop the service, no retry needed.\nExiting runner...\n$/,
  );
  expect(world.github.runners("octo-org")).toEqual([]);
  expect(existsSync(join(world.root, ".runner"))).toBe(false);
  expect(readdirSync(join(world.root, "_diag")).some((name) => name.startsWith("Worker_"))).toBe(true);
});

test("--once without --ephemeral warns, and keeps its registration", async () => {
  await world.configure();
  const id = world.queue("false", "echo never");
  const script = world.run({}, "--once");
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/^Warning: '--once' is going to be deprecated/);
  expect(script.text()).toMatch(/Job test completed with result: Failed/);
  expect(world.github.workflowJob(id)).toMatchObject({
    conclusion: "failure",
    lines: ["##[error]Process completed with exit code 1."],
  });
  expect(world.github.runners("octo-org")).toMatchObject([{ name: "w-1", status: "offline" }]);
  expect(existsSync(join(world.root, ".runner"))).toBe(true);
});

// VssFileStorage.cs:186-210 of actions/runner.
test("it keeps the service's locations in ~/.config where there is one, else in $localappdata, and waits without a place", async () => {
  await world.configure();
  const cache = (folder: string) =>
    existsSync(join(world.folder, folder, "GitHub/ActionsService/LocationServerMap.xml"));
  const listen = async (environment: Record<string, string>) => {
    const beganAt = performance.now();
    const script = world.run({ HOME: world.folder, RUNNER_MANUALLY_TRAP_SIG: "1", ...environment });
    await script.printed(/Listening for Jobs/);
    script.child.kill("SIGINT");
    await script.ended;
    return performance.now() - beganAt;
  };
  expect(await listen({})).toBeGreaterThan(750);
  expect(cache(".config")).toBe(false);
  await listen({ localappdata: join(world.folder, "given") });
  expect(cache("given")).toBe(true);
  await mkdir(join(world.folder, ".config"));
  await listen({});
  expect(cache(".config")).toBe(true);
});

test("a JIT configuration from the environment runs once and no second time", async () => {
  const token = await mint(world.github, world.installationId);
  const body = { name: "w-jit", labels: ["npu"], runner_group_id: 1 };
  const made = await ask(world.github, "POST", "/orgs/octo-org/actions/runners/generate-jitconfig", {
    token,
    body,
  });
  const environment = { ACTIONS_RUNNER_INPUT_JITCONFIG: made.body.encoded_jit_config };
  const id = world.queue("true");
  expect((await world.run(environment).ended).code).toBe(0);
  expect(world.github.workflowJob(id)).toMatchObject({
    conclusion: "success",
    runnerId: made.body.runner.id,
  });
  const again = world.run(environment);
  expect((await again.ended).code).toBe(0);
  expect(again.text()).toMatch(/Failed to create a session. The runner registration has been deleted/);
  expect(again.text()).toMatch(/exit with terminated error/);
});

test("hooks run around the job, and a failing first one fails it", async () => {
  await world.configure();
  const [started, completed] = [join(world.folder, "a.sh"), join(world.folder, "z.sh")];
  await writeFile(started, 'echo "before $GITHUB_RUN_ID"; [ ! -e "$RUNNER_TEMP/bad" ]');
  await writeFile(completed, "echo after");
  world.run({ ACTIONS_RUNNER_HOOK_JOB_STARTED: started, ACTIONS_RUNNER_HOOK_JOB_COMPLETED: completed });
  const ended = async (id: number) => {
    await until(
      () => world.github.workflowJob(id).status === "completed",
      () => "the job did not end",
    );
    return world.github.workflowJob(id);
  };
  const good = await ended(world.queue('touch "$RUNNER_TEMP/bad"'));
  const announced = (stage: string) =>
    `A job ${stage} hook has been configured by the self-hosted runner administrator`;
  const lines = [announced("started"), `before ${good.runId}`, announced("completed"), "after"];
  expect(good).toMatchObject({ conclusion: "success", lines });
  expect(good.stepsRun).toEqual([
    "Set up job",
    "Set up runner",
    expect.stringMatching(/^Run touch/),
    "Complete runner",
    "Complete job",
  ]);
  const bad = await ended(world.queue("echo never"));
  expect(bad.conclusion).toBe("failure");
  expect(bad.lines).not.toContain("never");
  expect(bad.stepsRun).toEqual(["Set up job", "Set up runner", "Complete runner", "Complete job"]);
});

test("cancelled at GitHub: the step is interrupted and the job reported as cancelled", async () => {
  await world.configure("--ephemeral");
  const id = world.queue("echo begun", "sleep 600");
  const script = world.run();
  await world.began(id);
  world.github.cancel(id);
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/Job test completed with result: Canceled/);
  expect(world.github.workflowJob(id).conclusion).toBe("cancelled");
});

// The listener says Canceled, GitHub failure: StepsRunner.cs:149-155 of actions/runner; seen with 2.333.1.
test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("trap mode: %s ends a running job as failed and run.sh with %i", async (signal, code) => {
  await world.configure("--ephemeral");
  const id = world.queue("echo begun", "sleep 600");
  const script = world.run({ RUNNER_MANUALLY_TRAP_SIG: "1" });
  await world.began(id);
  script.child.kill(signal);
  expect((await script.ended).code).toBe(code);
  expect(script.text()).toMatch(/Exiting runner\.\.\./);
  expect(script.text()).toMatch(/Job test completed with result: Canceled/);
  expect(world.github.workflowJob(id)).toMatchObject({
    conclusion: "failure",
    lines: expect.arrayContaining(["begun", expect.stringMatching(/received a shutdown signal/)]),
  });
});

// JobDispatcher.ShutdownAsync of actions/runner 010917e67: whatever runs is cancelled, also what was taken just then.
test("stopped in the moment in which it takes a job, it ends that too", async () => {
  await world.configure("--ephemeral");
  const id = world.queue("sleep 600");
  const script = world.run({ RUNNER_MANUALLY_TRAP_SIG: "1" });
  // Before the answer to its taking has reached it.
  while (world.github.workflowJob(id).status !== "in_progress") await nextTurn();
  script.child.kill("SIGINT");
  expect((await script.ended).code).toBe(130);
  expect(world.github.workflowJob(id).conclusion).toBe("failure");
});

test("stopped while idle it stays registered, offline", async () => {
  await world.configure("--ephemeral");
  const script = world.run({ RUNNER_MANUALLY_TRAP_SIG: "1" });
  await script.printed(/Listening for Jobs/);
  script.child.kill("SIGTERM");
  expect((await script.ended).code).toBe(143);
  expect(script.text()).toMatch(/Exiting\.\.\./);
  expect(world.github.runners("octo-org")).toMatchObject([{ name: "w-1", status: "offline" }]);
});

test("without trap mode SIGTERM ends run.sh alone and the listener goes on", async () => {
  await world.configure("--ephemeral");
  const script = world.run();
  await script.printed(/Listening for Jobs/);
  const [listener] = childrenOf(script.child.pid) as [number];
  const exited = new Promise((resolve) => script.child.once("exit", (_code, signal) => resolve(signal)));
  script.child.kill("SIGTERM");
  expect(await exited).toBe("SIGTERM");
  const id = world.queue("true");
  await until(
    () => world.github.workflowJob(id).status === "completed",
    () => "the orphan took no job",
  );
  expect(listener).toBeGreaterThan(0);
});

test("a registration that vanishes while it listens ends it", async () => {
  await world.configure("--ephemeral");
  const script = world.run();
  await script.printed(/Listening for Jobs/);
  world.github.removeRunner("w-1");
  expect((await script.ended).code).toBe(0);
  // One on its standard error, the other on its output: they may come in any order.
  expect(script.text()).toMatch(
    /The runner no longer exists on the server. Cleaning up local configuration.\n/,
  );
  expect(script.text()).toMatch(/√ Removed/);
});

test("ghost: listens, lets its assignment pass, and the job goes on waiting", async () => {
  await world.configure("--ephemeral");
  const script = world.run({ RUNNER_STAND_IN_FAULT: "ghost" });
  await script.printed(/Listening for Jobs/);
  const id = world.queue("true");
  const assignedTo = (name?: string) => world.github.workflowJob(id).assignedTo === name;
  await until(() => assignedTo("w-1"), String);
  await until(() => assignedTo(), String);
  expect(world.github.workflowJob(id).status).toBe("queued");
  expect(script.text()).not.toMatch(/Running job/);
});

test("too old: 7 when that is asked for, otherwise 0", async () => {
  await world.configure("--ephemeral");
  const old = { RUNNER_STAND_IN_FAULT: "too-old" };
  const quiet = world.run(old);
  expect((await quiet.ended).code).toBe(0);
  expect(quiet.text()).toMatch(/Runner version v2.300.0 is deprecated and cannot receive messages/);
  expect(
    (await world.run({ ...old, ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE: "1" }).ended).code,
  ).toBe(7);
});

test("exits-at-once, from a file in its folder, and not configured: both end with 0 and say nothing of listening", async () => {
  expect((await world.run().ended).code).toBe(0);
  await world.configure("--ephemeral");
  await writeFile(join(world.root, ".stand-in-fault"), "exits-at-once\n");
  const script = world.run();
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/^Runner listener exit with terminated error/);
});
