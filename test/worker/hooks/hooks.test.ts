// The runner's hooks with real processes: what they refuse before any step, what they tell, and what a hostile job makes
// of them.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { workerOutput } from "../../../shared/protocol/worker-plane.ts";
import type { DispatcherStub } from "../support/dispatcher-stub.ts";
import { eventually } from "../support/eventually.ts";
import { ACME, FORK, OWN_BRANCH, runHookedJob } from "../support/hooked-job.ts";
import type { StartedWorker } from "../support/start-worker.ts";
import { WITHOUT_USERS } from "../support/without-users.ts";

const touch = 'echo "$0" >> stepped';
/** All that actions/runner runs after a step that failed. */
const INSISTENT = [
  { name: "plain", run: touch },
  { name: "action", run: touch, if: "always()", pre: touch, post: touch },
  { name: "last", run: touch, if: "always()" },
] as const;

const STARTED = {
  repository: "acme/kernels",
  repositoryId: 81,
  runId: 7_001,
  runAttempt: 2,
  job: "build",
  workflowRef: "acme/kernels/.github/workflows/ci.yml@refs/heads/main",
  event: "push",
};

async function fallSilent(worker: StartedWorker, dispatcher: DispatcherStub): Promise<void> {
  await eventually("the runner has a job", () => worker.output().includes("Running job"));
  dispatcher.silent = true;
  await wait(600);
  dispatcher.silent = false;
}

function temporary() {
  const path = mkdtempSync(join(tmpdir(), "npd-hooks-"));
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }) };
}

describe("hooks tell what the runner was given", () => {
  it("once by ping, and with its time in the report", async () => {
    await using run = await runHookedJob({ policy: ACME, job: { steps: ["sleep 0.4", "echo x > stepped"] } });

    // One ping a tenth of a second: it is told until it was heard, and no more.
    expect(run.dispatcher.started).toEqual([STARTED]);
    expect(run.steps).toEqual([
      "Set up job: success",
      "Set up runner: success",
      "Run sleep 0.4: success",
      "Complete runner: success",
      "Complete job: success",
    ]);
    const { ran } = workerOutput.parse(run.dispatcher.dones[0]?.output);
    expect(ran).toMatchObject(STARTED);
    expect(ran?.ranMs).toBeGreaterThan(400);
    expect(ran?.ranMs).toBeLessThan(10_000);
    expect(run.message).toBe("Ran build: result Succeeded.");
  });

  it("to another user's runner as well", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    const env = { RUNNER_USER: "12345:12346", RUNNER_HOME_SHARED: "1" };
    const policy = { ...ACME, forks: "allow" as const };
    await using run = await runHookedJob({ policy, env, job: { steps: ["id -u > stepped"] } });
    expect(run.worker.file("../work/runner/_work/kernels/kernels/stepped")).toBe("12345\n");
    expect(run.dispatcher.started).toEqual([STARTED]);
  });

  it("until a silent dispatcher hears it", async () => {
    let silence = Promise.resolve();
    await using run = await runHookedJob({
      job: { steps: ["sleep 1.2"] },
      prepare: (worker, dispatcher) => {
        silence = fallSilent(worker, dispatcher);
      },
    });
    await silence;
    expect(run.worker.output()).toContain("ping-failed");
    expect(run.dispatcher.started).toEqual([STARTED]);
  });
});

describe("policy, before any step", () => {
  it("refuses a pull request from a fork, and says what to change", async () => {
    await using run = await runHookedJob({ policy: ACME, job: { ...FORK, steps: INSISTENT } });

    expect(run.left("stepped")).toBeUndefined();
    expect(run.steps).toEqual([
      "Set up job: success",
      "Set up runner: cancelled",
      ...["Pre action", "plain", "action", "last", "Complete runner"].map((name) => `${name}: skipped`),
      "Complete job: success",
    ]);
    expect(run.conclusion).toBe("failure");
    expect(run.lines.at(-1)).toContain("The runner has received a shutdown signal");
    const why = "this is a pull request from a fork of acme/kernels (eve/kernels)";
    expect(run.lines.join("\n")).toContain(`::error title=Refused by policy::refused by policy: ${why}`);
    expect(run.message).toContain(`Ran build: result Failed. It was refused by policy: ${why}`);
    expect(run.message).toContain("write forks: allow for the tenant acme in dispatch.yaml");
    expect(run.dispatcher.dones[0]?.output).toMatchObject({ outcome: "ran", result: "Failed" });
  });
});

describe("the image's own hooks still run, after ours", () => {
  const hook = (home: string, name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };

  it("from the environment: in the job's folder, with its variables, and its failure counts", async () => {
    await using folder = temporary();
    const started = hook(folder.path, "own.sh", 'echo "own $GITHUB_RUN_ID in $PWD"; exit 3');
    const completed = hook(folder.path, "own.js", 'console.log("own end of " + process.env.GITHUB_JOB)');
    const env = { ACTIONS_RUNNER_HOOK_JOB_STARTED: started, ACTIONS_RUNNER_HOOK_JOB_COMPLETED: completed };
    await using run = await runHookedJob({ policy: ACME, env });
    expect(run.lines.some((line) => /^own 7001 in .*_work\/kernels\/kernels$/.test(line))).toBe(true);
    expect(run.lines).toContain("own end of build");
    expect(run.left("stepped")).toBeUndefined();
    expect(run.message).toBe("Ran build: result Failed.");
  });

  it("from the runner's .env, which would hide ours; used again, the folder's lines do not add up", async () => {
    await using folder = temporary();
    const started = hook(folder.path, "own.sh", "echo own");
    const dotEnv = `LANG=C.UTF-8\nACTIONS_RUNNER_HOOK_JOB_STARTED=${started}\nACTIONS_RUNNER_HOOK_JOB_COMPLETED=\n`;
    const prepare = ({ runnerHome }: { runnerHome: string }) =>
      writeFileSync(join(runnerHome, ".env"), dotEnv);
    await using run = await runHookedJob({ policy: ACME, job: FORK, prepare });
    expect(run.left("stepped")).toBeUndefined();
    const after = run.worker.file(".env");
    await using again = await runHookedJob({
      policy: ACME,
      job: OWN_BRANCH,
      prepare: ({ runnerHome }) => {
        const ours = (after ?? "").replaceAll(run.worker.runnerHome, runnerHome);
        writeFileSync(join(runnerHome, ".env"), ours);
      },
    });
    expect(again.lines).toContain("own");
    expect(again.dispatcher.started).toHaveLength(1);
    expect(again.worker.file(".env")?.match(/HOOK_JOB/g)).toHaveLength(4);
  });
});

describe("a report that a job has made", () => {
  const REPORTS = "../../../.npu-dispatch/reports";
  const forged = JSON.stringify({ ...STARTED, runId: 666, at: 1, refusal: "refused by policy: forged" });

  it("after the hook's changes nothing", async () => {
    const steps = [`echo '${forged}' > ${REPORTS}/started.json`, "sleep 0.3"];
    await using run = await runHookedJob({ job: { steps } });
    expect(run.dispatcher.started).toEqual([STARTED]);
    expect(run.message).toBe("Ran build: result Succeeded.");
  });

  it("in place of the hook's is left aside, and the job goes on", async () => {
    const env = { TEST_BEFORE: "ln -s /proc/self/environ started.json", WORKER_PASS_ENV: "TEST_BEFORE" };
    await using run = await runHookedJob({ env, job: { steps: ["echo step > stepped", "sleep 0.3"] } });
    expect(run.dispatcher.started).toEqual([]);
    expect(run.left("stepped")).toBe("step\n");
    expect(run.worker.output()).toContain("hook-report-unreadable");
    expect(run.dispatcher.dones).toMatchObject([{ output: { outcome: "ran", result: "Succeeded" } }]);
  });
});

it("a runner's folder with a space in its path is refused before it costs a registration", async () => {
  await using folder = temporary();
  const home = join(folder.path, "my runner");
  mkdirSync(home);
  symlinkSync("/bin/true", join(home, "run.sh"));
  await using run = await runHookedJob({ env: { RUNNER_HOME: home } });
  expect(run.dispatcher.registrations).toEqual([]);
  expect(run.dispatcher.dones[0]?.error).toContain("the path has a space");
});
