// Runner.Worker of the runner stand-in: which steps run after a hook that failed, a cancel or a shutdown, and what dies
// with whom. What is said to be seen was seen with actions/runner 2.333.1.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asUser } from "../../worker/runner/runner-user.ts";
import { WITHOUT_USERS } from "../worker/support/without-users.ts";
import { until } from "./runner-process.ts";
import { childrenOf, openRunnerWorld, type RunnerWorld } from "./runner-world.ts";

let world: RunnerWorld;

beforeEach(async () => {
  world = await openRunnerWorld();
});

afterEach(() => world[Symbol.asyncDispose]());

test("a failed started hook is a failed step: what always() asks for still runs, pre and post of actions too", async () => {
  await world.configure("--ephemeral");
  const hook = join(world.folder, "refuses.sh");
  await writeFile(hook, "echo refused; exit 1");
  const id = world.queueSteps(
    { name: "plain", run: "echo plain" },
    { name: "action", run: "echo main", pre: "echo pre", post: "echo post" },
    { name: "last", run: ["echo last", "echo words"], if: "always()" },
    { name: "never", run: "echo never", if: "cancelled()" },
  );
  const script = world.run({ ACTIONS_RUNNER_HOOK_JOB_STARTED: hook });
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/Job test completed with result: Failed/);
  const ended = world.github.workflowJob(id);
  expect(ended.conclusion).toBe("failure");
  expect(ended.lines.slice(1)).toEqual([
    "refused",
    "##[error]Process completed with exit code 1.",
    "pre",
    "last",
    "words",
    "post",
  ]);
  expect(ended.stepsRun).toEqual([
    "Set up job",
    "Set up runner",
    "Pre action",
    "last",
    "Post action",
    "Complete job",
  ]);
});

// What a hook can do about it. Seen with 2.333.1: nothing runs, the hook's words stay beside the runner's.
test("TERM to Runner.Worker from its started hook: no later step, no post, no completed hook; the job fails", async () => {
  await world.configure("--ephemeral");
  const hook = join(world.folder, "ends.sh");
  await writeFile(hook, 'echo "comm $(cat /proc/$PPID/comm)"; kill -TERM $PPID; sleep 20');
  const id = world.queueSteps(
    { name: "action", run: "echo main", pre: "echo pre", post: "echo post" },
    { name: "last", run: "echo last", if: "always()" },
  );
  const script = world.run({
    ACTIONS_RUNNER_HOOK_JOB_STARTED: hook,
    ACTIONS_RUNNER_HOOK_JOB_COMPLETED: hook,
  });
  expect((await script.ended).code).toBe(0);
  // The listener was asked for nothing: it believes its Worker.
  expect(script.text()).toMatch(/Job test completed with result: Failed/);
  const ended = world.github.workflowJob(id);
  expect(ended).toMatchObject({
    conclusion: "failure",
    stepsRun: ["Set up job", "Set up runner", "Complete job"],
  });
  expect(ended.lines.slice(1)).toEqual([
    "comm Runner.Worker",
    expect.stringMatching(/received a shutdown signal/),
  ]);
});

test("a cancel at GitHub leaves a hook alone; steps that ask for it still run", async () => {
  await world.configure("--ephemeral");
  const hook = join(world.folder, "slow.sh");
  await writeFile(
    hook,
    'echo begun; for i in $(seq 100); do [ -e "$RUNNER_TEMP/go" ] && exit 0; sleep 0.1; done; exit 9',
  );
  const id = world.queueSteps(
    { name: "plain", run: "echo plain" },
    { name: "tidy", run: "echo tidy", if: "cancelled()" },
  );
  const script = world.run({ ACTIONS_RUNNER_HOOK_JOB_STARTED: hook });
  await world.began(id);
  world.github.cancel(id);
  await writeFile(join(world.root, "_work/_temp/go"), "");
  expect((await script.ended).code).toBe(0);
  expect(world.github.workflowJob(id)).toMatchObject({
    conclusion: "cancelled",
    stepsRun: ["Set up job", "Set up runner", "tidy", "Complete job"],
  });
});

test("a listener that dies in a job: run.sh ends with 0, Worker and step die, GitHub hears nothing", async () => {
  await world.configure("--ephemeral");
  const id = world.queue('echo "step $$"', "echo begun", "sleep 600");
  const script = world.run({ RUNNER_MANUALLY_TRAP_SIG: "1" });
  await world.began(id);
  const step = Number(/step (\d+)/.exec(world.github.workflowJob(id).lines.join(" "))?.[1]);
  const [helper = 0] = childrenOf(script.child.pid);
  const [listener = 0] = childrenOf(helper);
  process.kill(listener, "SIGKILL");
  expect(await script.ended).toEqual({ code: 0, signal: null });
  expect(script.text()).toMatch(/\nExiting with unknown error code: 137\nExiting runner\.\.\.\n$/);
  expect(script.text()).not.toMatch(/completed with result/);
  await until(
    () => !existsSync(`/proc/${step}`),
    () => "the step lives",
  );
  expect(world.github.workflowJob(id).status).toBe("in_progress");
  expect(world.github.runners("octo-org")).toMatchObject([{ name: "w-1", busy: true }]);
});

test("a Worker that crashes: its listener reports a failed job and goes on to its own end", async () => {
  await world.configure("--ephemeral");
  const id = world.queue("echo begun", "kill -KILL $PPID", "sleep 600");
  const script = world.run();
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toMatch(/Job test completed with result: Failed/);
  expect(world.github.workflowJob(id).conclusion).toBe("failure");
});

// Both scripts: Listener/Program.cs:88-100 of actions/runner.
test("a folder above its own that its user may enter and not read: neither script starts", async ({
  skip,
}) => {
  if (WITHOUT_USERS) skip(WITHOUT_USERS);
  await chmod(world.folder, 0o711);
  await chown(world.root, 12_345, 12_345);
  const somebody = { uid: 12_345, gid: 12_345, name: undefined, home: undefined };
  for (const script of ["config.sh", "run.sh"]) {
    const { program, args } = asUser({ program: join(world.root, script), args: [] }, somebody);
    const end = spawnSync(program, args, { encoding: "utf8", env: { PATH: process.env["PATH"] } });
    expect(end.stderr).toContain(
      `Permission to read the directory contents is required for '${world.root}' and each directory up the hierarchy. Access to the path '${world.folder}' is denied.`,
    );
  }
});
