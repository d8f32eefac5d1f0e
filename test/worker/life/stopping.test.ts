import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sessionMembers } from "../../../worker/process/process-session.ts";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { eventually } from "../support/eventually.ts";
import { type StartedWorker, startWorker } from "../support/start-worker.ts";

function saw(worker: StartedWorker, text: string): Promise<true> {
  return eventually(`"${text}" in the worker's output`, () => worker.output().includes(text) || undefined);
}

/** A zombie is dead: nobody may be there to reap it. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !["Z", "X"].includes(statOf(pid)[0] ?? "");
}

describe("drain", () => {
  it("ends an idle runner", async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-waits.sh" });
    await eventually("listening", () => dispatcher.pings.some(({ phase }) => phase === "listening"));

    dispatcher.drain = "surplus";

    expect((await worker.exit).code).toBe(0);
    expect(dispatcher.dones[0]?.output).toMatchObject({
      outcome: "idle",
      message: "Ended without a job, as asked (surplus).",
    });
  });

  it("is refused while a job runs, and the job ends in peace", async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-works.sh" });
    await eventually("running", () => dispatcher.pings.some(({ phase }) => phase === "running"));

    dispatcher.drain = "idle";
    await saw(worker, "drain-refused");
    const pings = dispatcher.pings.length;
    await eventually("more pings", () => dispatcher.pings.length > pings + 1);
    writeFileSync(join(worker.runnerHome, "finish"), "");

    expect((await worker.exit).code).toBe(0);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "ran", result: "Succeeded" });
  });
});

describe("TERM", () => {
  it("cancels the job through the runner and reports it", async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-works.sh" });
    await saw(worker, "Running job: long job");

    worker.child.kill("SIGTERM");

    expect(await worker.exit).toEqual({ code: 143, signal: null });
    expect(dispatcher.dones).toEqual([
      {
        error: "The worker was stopped while it ran long job.",
        output: {
          outcome: "cancelled",
          message: "The worker was stopped while it ran long job.",
          runnerExit: { code: 130 },
          jobName: "long job",
          result: "Canceled",
        },
        stopPod: true,
      },
    ]);
  });

  it("before there is a runner only reports, and leaves nothing of config.sh", async () => {
    await using dispatcher = await startDispatcher();
    await using worker = startWorker(dispatcher, { config: "config-hangs.sh" });
    await eventually("config.sh", () => worker.file("config-started"));

    worker.child.kill("SIGINT");

    expect((await worker.exit).code).toBe(143);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "cancelled" });
  });

  it("twice shortens the grace of a runner that is deaf to it, and kills it", {
    timeout: 15_000,
  }, async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-ignores-signals.sh" });
    await saw(worker, "Running job: deaf job");
    const startedAt = Date.now();

    worker.child.kill("SIGTERM");
    // Not coalesced with the first one.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(worker.child.exitCode).toBeNull();
    worker.child.kill("SIGTERM");

    expect((await worker.exit).code).toBe(143);
    expect(Date.now() - startedAt).toBeGreaterThan(4_900);
    expect(dispatcher.dones[0]?.output).toMatchObject({
      outcome: "cancelled",
      runnerExit: { signal: "SIGKILL" },
    });
  });

  it("kills a listener that job control has put into another group", async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-job-control.sh" });
    await saw(worker, "Running job: hidden job");
    const listener = Number(worker.file("listener"));

    worker.child.kill("SIGTERM");

    expect((await worker.exit).code).toBe(143);
    expect(isAlive(listener)).toBe(false);
  });
});

describe("the end of a runner", () => {
  it("is the end of everything it started", async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-forks.sh" });

    expect((await worker.exit).code).toBe(0);

    const stragglers = worker.file("stragglers")?.trim().split("\n").map(Number) ?? [];
    expect(stragglers).toHaveLength(2);
    expect(stragglers.filter(isAlive)).toEqual([]);
    expect(worker.output()).toContain('"event":"stragglers-killed"');
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "ran" });
  });

  it("is the end of what fled its session, too, as long as it kept its environment", async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-escapes.sh" });
    writeFileSync(join(worker.runnerHome, "keep"), "");

    expect((await worker.exit).code).toBe(0);

    const fled = worker.file("fled")?.trim().split("\n").map(Number) ?? [];
    expect(fled).toHaveLength(2);
    expect(fled.filter(isAlive)).toEqual([]);
    expect(worker.output()).toContain('"event":"stragglers-killed"');
    // The local pool's to remove, with the folder.
    expect(existsSync(join(worker.runnerHome, "_work"))).toBe(true);
  });

  it("sees the members of a session", () => {
    // The control of the tests above: an empty list would prove nothing.
    const own = sessionMembers(Number(statOf(process.pid)[3]));
    expect(own).toContain(process.pid);
  });
});

describe("a silent dispatcher", () => {
  it("costs no job, and gets the report when it is back", async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-works.sh" });
    await saw(worker, "Running job: long job");
    dispatcher.silent = true;
    writeFileSync(join(worker.runnerHome, "finish"), "");
    await saw(worker, "report-delayed");
    expect(worker.result()).toMatchObject({ output: { outcome: "ran", result: "Succeeded" }, stopPod: true });

    dispatcher.silent = false;

    expect((await worker.exit).code).toBe(0);
    expect(dispatcher.dones).toHaveLength(1);
    expect(worker.result()).toBeNull();
    expect(worker.output().match(/"event":"ping-failed"/g)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  it("leaves the report on disk when the worker is stopped meanwhile", { timeout: 15_000 }, async () => {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    await using worker = startWorker(dispatcher, { run: "run-works.sh" });
    await saw(worker, "Running job: long job");
    dispatcher.silent = true;
    writeFileSync(join(worker.runnerHome, "finish"), "");
    await saw(worker, "report-delayed");

    worker.child.kill("SIGTERM");

    // The job ran to its end before the signal: the first cause of an end wins.
    expect((await worker.exit).code).toBe(0);
    expect(worker.result()).toMatchObject({ output: { outcome: "ran" } });
  });
});

/** state, parent, group, session */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
