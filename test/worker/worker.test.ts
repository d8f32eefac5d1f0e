import { describe, expect, it } from "vitest";
import { workerOutput } from "../../shared/protocol/worker-plane.ts";
import { JIT_CONFIG, REGISTRATION_TOKEN, startDispatcher, TOKEN } from "./support/dispatcher-stub.ts";
import { startWorker } from "./support/start-worker.ts";

describe("a worker process", () => {
  it("registers by token, runs one job, reports it and ends", async () => {
    await using dispatcher = await startDispatcher();
    await using worker = startWorker(dispatcher);

    expect(await worker.exit).toEqual({ code: 0, signal: null });

    expect(dispatcher.dones).toEqual([
      {
        output: {
          outcome: "ran",
          message: "Ran build (a2, 3.11): result Succeeded.",
          runnerExit: { code: 0 },
          jobName: "build (a2, 3.11)",
          result: "Succeeded",
        },
        stopPod: true,
      },
    ]);
    expect(workerOutput.safeParse(dispatcher.dones[0]?.output).success).toBe(true);
    expect([...new Set(dispatcher.pings.map(({ phase }) => phase))]).toEqual([
      "preflight",
      "registering",
      "listening",
      "running",
    ]);
    expect(dispatcher.pings.at(-1)).toEqual({ phase: "running", jobName: "build (a2, 3.11)", jobId: "gh-7" });
    expect(dispatcher.authorizations).toEqual(new Set([TOKEN]));
    expect(worker.file("config-args-add")?.trim().split("\n")).toEqual([
      ...["--unattended", "--ephemeral", "--disableupdate"],
      ...["--url", "https://github.com/acme", "--name", "npd-worker-1"],
      ...["--labels", "linux-aarch64-a2-1,npd-job-7", "--no-default-labels", "--runnergroup", "npu"],
      ...["--work", "_work"],
    ]);
    expect(worker.file("config-env-add")).toContain(`ACTIONS_RUNNER_INPUT_TOKEN=${REGISTRATION_TOKEN}`);
    // Delivered: nothing is left for the pool.
    expect(worker.result()).toBeNull();
  });

  it("runs with a JIT config without config.sh", async () => {
    await using dispatcher = await startDispatcher({ registration: "auto" });
    await using worker = startWorker(dispatcher);

    expect((await worker.exit).code).toBe(0);

    // Same user: auto is jit.
    expect(dispatcher.registrations).toEqual(["jit"]);
    expect(worker.file("config-args-add")).toBeUndefined();
    expect(worker.file("run-env")).toContain(`ACTIONS_RUNNER_INPUT_JITCONFIG=${JIT_CONFIG}`);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "ran" });
  });

  it("gives the runner nothing of its own", async () => {
    await using dispatcher = await startDispatcher();
    const env = {
      GITHUB_PAT: "ghp_planted_in_the_environment",
      AWS_SECRET_ACCESS_KEY: "planted-aws",
      ASCEND_HOME: "/a",
    };
    await using worker = startWorker(dispatcher, { env });

    await worker.exit;

    const seen = worker.file("run-env") ?? "";
    for (const secret of [
      TOKEN,
      REGISTRATION_TOKEN,
      "ghp_planted",
      "planted-aws",
      "RUNPOD_",
      dispatcher.url,
    ]) {
      expect(seen).not.toContain(secret);
    }
    expect(seen).toContain('JOB_INPUT={"model":"qwen"}');
    expect(seen).toContain("ASCEND_HOME=/a");
    expect(seen).toContain("RUNNER_MANUALLY_TRAP_SIG=1");
  });

  it("writes no secret that it knows, whatever the runner prints", async () => {
    await using dispatcher = await startDispatcher();
    await using worker = startWorker(dispatcher, { config: "config-fails.sh" });

    expect((await worker.exit).code).toBe(81);

    expect(worker.output()).toContain("bad token ***");
    expect(dispatcher.dones[0]).toMatchObject({
      error: "config.sh failed with exit code 1: bad token ***.",
      output: { outcome: "config-failed" },
    });
    for (const secret of [TOKEN, REGISTRATION_TOKEN]) {
      expect(worker.output() + JSON.stringify(dispatcher.dones)).not.toContain(secret);
    }
  });

  it.each([
    { run: "run-exits.sh", outcome: "runner-failed", code: 82, says: "GitHub has no registration of it" },
    // Quoted, since the log goes with its container.
    {
      run: "run-refuses.sh",
      outcome: "runner-failed",
      code: 82,
      says: "It printed: Must not run interactively",
    },
    { run: "run-other-words.sh", outcome: "ran", code: 0, says: "Ran build: exit code 0" },
    { run: "run-too-old.sh", outcome: "runner-too-old", code: 83, says: "Update it in the image" },
    { run: "run-floods.sh", outcome: "ran", code: 0, says: "result Failed" },
  ])("calls $run $outcome", async ({ run, outcome, code, says }) => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run });

    expect((await worker.exit).code).toBe(code);

    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome, message: expect.stringContaining(says) });
  });

  it("spends no registration where there is no runner", async () => {
    await using dispatcher = await startDispatcher();
    await using worker = startWorker(dispatcher, { env: { RUNNER_HOME: "/nowhere" } });

    expect((await worker.exit).code).toBe(84);

    expect(dispatcher.registrations).toEqual([]);
    expect(dispatcher.dones[0]?.error).toContain("Set RUNNER_HOME");
  });

  it("reports a refused registration, and asks again where it may", async () => {
    await using dispatcher = await startDispatcher();
    const refusal = { title: "Gone", status: 410, error: "gone", detail: "The worker was drained." };
    dispatcher.register = (_kind, count) =>
      count === 1
        ? { status: 409, body: { ...refusal, status: 409, retryAfterMs: 10 } }
        : { status: 410, body: refusal };
    await using worker = startWorker(dispatcher);

    expect((await worker.exit).code).toBe(80);

    expect(dispatcher.registrations).toHaveLength(2);
    expect(dispatcher.dones[0]?.output).toMatchObject({
      outcome: "registration-refused",
      message: "The dispatcher answered 410 to registration: The worker was drained.",
    });
  });

  it("fails the preflight with its own code before any registration", async () => {
    await using dispatcher = await startDispatcher({ cards: 2 });
    await using worker = startWorker(dispatcher, { env: { NPU_DISPATCH_SIMULATED_CARDS: "3" } });

    expect((await worker.exit).code).toBe(90);

    expect(dispatcher.registrations).toEqual([]);
    expect(dispatcher.dones[0]?.error).toMatch(/^E_NO_DEVICE: .* names 1 cards, the job needs 2/);
  });

  it("waits for its job and ends without one when it is refused", async () => {
    await using dispatcher = await startDispatcher();
    dispatcher.take = (count) => ({ status: count === 1 ? 204 : 401 });
    await using worker = startWorker(dispatcher);

    expect((await worker.exit).code).toBe(3);

    expect(dispatcher.takes).toBe(2);
    expect(dispatcher.dones).toEqual([]);
  });

  it("says everything that is wrong with its environment", async () => {
    await using dispatcher = await startDispatcher();
    const env = { RUNPOD_POD_ID: "a b", RUNPOD_WEBHOOK_PING: "", RUNPOD_PING_INTERVAL: "soon" };
    await using worker = startWorker(dispatcher, { env });

    expect((await worker.exit).code).toBe(2);

    for (const name of Object.keys(env)) expect(worker.output()).toContain(`${name} `);
    expect(dispatcher.takes).toBe(0);
  });
});
