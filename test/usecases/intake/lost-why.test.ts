// What ended a container that left no report, in its pool's words, reaches whoever owns the job.
import { expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { endClass } from "../../../shared/domain/job/end-reason.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { aReport } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OOM = "was killed for lack of memory (OOMKilled): raise perCard.memory of pool a2";

async function oneJob(
  steps: number,
  jobMs = HOUR_MS,
): Promise<{ world: World; id: number; first: WorkerId }> {
  const world = createWorld({ script: { jobMs } });
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  for (let n = 0; n < steps; n++) await world.step();
  return { world, id, first: world.pool.started[0]?.workerId as WorkerId };
}

test("before its runner could listen: the job is held with it, and the log says it", async () => {
  const { world, id, first } = await oneJob(1);
  world.pool.crash(first, OOM);
  await world.reconcile();
  expect((await jobOf(world, id)).hold).toMatchObject({
    reason: "start-backoff",
    message: `its worker ended without a report: its container ${OOM}`,
  });
  expect(world.log.of("worker-ended")).toMatchObject([
    { message: expect.stringContaining(`ended without a report: its container ${OOM}`) },
  ]);
  expect(world.log.of("worker-released")).toMatchObject([{ message: `its container ${OOM}` }]);
});

test.each([
  [3, "its container ended with exit code 3"],
  [137, "its container ended with exit code 137 (SIGKILL: often for lack of memory)"],
])("an exit code alone is told too: %i", async (code, words) => {
  const { world, id, first } = await oneJob(1);
  world.pool.exit(first, code);
  await world.reconcile();
  expect((await jobOf(world, id)).hold?.message).toBe(`its worker ended without a report: ${words}`);
});

test("while it ran: GitHub ends the job, and its end says more than that the runner is gone", async () => {
  const { world, id, first } = await oneJob(0);
  await play(world, { forMs: 2 * MINUTE_MS });
  expect((await jobOf(world, id)).state).toBe("IN_PROGRESS");
  world.pool.crash(first, OOM);
  await play(world, { forMs: 5 * MINUTE_MS });
  world.github.complete(id, "failure");
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).end).toMatchObject({
    reason: "worker-lost",
    message: `GitHub: failure on ${first}; its worker ended without a report: its container ${OOM}`,
  });
});

/** Node drain: the pod is evicted, its worker gets TERM and tells us, its runner tells GitHub. */
test.each(["failure", "cancelled"] as const)(
  "evicted while it ran, GitHub says %s: the job's end is no user's matter, and says who it was",
  async (conclusion) => {
    const { world, id, first } = await oneJob(0);
    await play(world, { forMs: 2 * MINUTE_MS });
    world.pool.tellToEnd(first, "was evicted, as when a node is drained (Evicted)");
    const report = aReport({ outcome: "cancelled", jobName: "build", result: "Canceled" });
    world.github.complete(id, conclusion);
    await world.deliver();
    await finishWorker(world.deps, first, {
      ...report,
      message: "The worker was stopped while it ran build.",
    });
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    const { end } = await jobOf(world, id);
    expect(end).toMatchObject({
      reason: "worker-stopped",
      message: `GitHub: ${conclusion} on ${first}; by its worker: The worker was stopped while it ran build; its container was evicted, as when a node is drained (Evicted)`,
    });
    expect(endClass(end!.reason)).toBe("infrastructure");
  },
);

test("a pool that cannot say who stopped a worker holds up no end", async () => {
  const { world, id, first } = await oneJob(0);
  await play(world, { forMs: 2 * MINUTE_MS });
  world.pool.inspect = () => Promise.reject(new Error("away"));
  const report = aReport({ outcome: "cancelled", jobName: "build", result: "Canceled" });
  world.github.complete(id, "failure");
  await finishWorker(world.deps, first, report);
  await world.deliver();
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).end?.reason).toBe("worker-stopped");
  expect(world.log.of("stopper-not-named")).toHaveLength(1);
});

test("a job that goes on with another worker does not keep the first one's reason", async () => {
  const { world, id, first } = await oneJob(4, MINUTE_MS);
  expect(world.worker(first).stage).toBe("listening");
  world.pool.crash(first, OOM);
  world.github.runners.get(first)!.online = false;
  expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
  const job = await jobOf(world, id);
  expect(job).toMatchObject({ state: "COMPLETED", starts: 2 });
  expect(job.broken).toBeUndefined();
  expect(job.end?.message).not.toContain("memory");
});
