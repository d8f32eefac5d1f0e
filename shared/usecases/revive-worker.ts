// A worker whose time has come: what the pool says of its container decides, never GitHub's `busy`.
import type { Overdue, Sighting } from "../domain/overdue.ts";
import { decideOverdue } from "../domain/overdue.ts";
import type { Worker } from "../domain/worker.ts";
import { isIdleProgram } from "../domain/worker-lease.ts";
import { draining, finished, graceMs, isSpare, lost } from "../domain/worker-steps.ts";
import type { ContainerState } from "../ports/pool-driver.ts";
import { parseJobDone, reportOf } from "../protocol/report.ts";
import { clipReport } from "./clip-report.ts";
import type { Deps } from "./deps.ts";
import { limitsOf } from "./deps.ts";
import { dismissWorker } from "./dismiss-worker.ts";
import { releaseWorker } from "./release-worker.ts";
import { retireWorker } from "./retire-worker.ts";
import { resumeStart } from "./start-worker.ts";
import { updateWorker } from "./update.ts";

export async function reviveWorker(deps: Deps, worker: Worker): Promise<void> {
  if (await isDismissed(deps, worker)) return;
  if (isSpare(worker) && (worker.spareUntil ?? 0) <= deps.clock.now()) {
    await retireWorker(deps, worker.id, worker.jobId);
  }
  const container = await sight(deps, worker);
  const sighting: Sighting = container.type === "running" ? "running" : "ended";
  const limits = limitsOf(deps, worker.endpoint);
  const overdue = decideOverdue(worker, sighting, { now: deps.clock.now(), limits });
  await act(deps, worker, overdue, container);
}

/** Should the change of its API job's end be lost, the worker is ended here. */
async function isDismissed(deps: Deps, worker: Worker): Promise<boolean> {
  if ((worker.kind ?? "github") === "github" || worker.state === "reserving") return false;
  return dismissWorker(deps, worker, await deps.stores.jobs.get(worker.jobId));
}

async function sight(deps: Deps, worker: Worker): Promise<ContainerState> {
  const driver = deps.pools.get(worker.pool)?.driver;
  // Without its pool in dispatch.yaml nobody can say that it is gone.
  return driver === undefined ? { type: "running" } : driver.inspect(worker.id);
}

async function act(deps: Deps, worker: Worker, overdue: Overdue, container: ContainerState): Promise<void> {
  const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
  switch (overdue.type) {
    case "release":
      await releaseWorker(deps, worker);
      return;
    case "resume-start":
      await resumeStart(deps, worker);
      return;
    case "wait":
      await updateWorker(deps.stores.workers, worker.id, (current) =>
        current.version === worker.version
          ? { ...current, version: current.version + 1, dueAt: overdue.until }
          : undefined,
      );
      return;
    case "drain":
      await updateWorker(deps.stores.workers, worker.id, (current) =>
        draining(current, overdue.reason, step),
      );
      deps.log.info("worker-draining", { worker: worker.id, job: worker.jobId, reason: overdue.reason });
      return;
    case "dismiss":
      await dismissIdle(deps, worker);
      return;
    case "stop":
      deps.log.warn("worker-stopped", { worker: worker.id, job: worker.jobId, reason: overdue.reason });
      await deps.pools.get(worker.pool)?.driver.stop(worker.id, graceMs(worker));
      await end(deps, worker, await sight(deps, worker), "reached its execution limit");
      return;
    case "boot-timeout":
      await end(deps, worker, { type: "gone" }, "did not boot in time");
      return;
    case "lost":
      await end(deps, worker, container, "ended without a report");
  }
}

async function dismissIdle(deps: Deps, worker: Worker): Promise<void> {
  const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    isIdleProgram(current) ? finished(current, IDLE, step) : undefined,
  );
  if (changed) deps.log.info("worker-dismissed", { worker: worker.id, job: worker.jobId, reason: "idle" });
}

const IDLE = {
  outcome: "idle",
  message: "no further job came for it",
  runnerExit: undefined,
  jobName: undefined,
  result: undefined,
} as const;

/** Its own word where it left one with the pool; otherwise it is lost. The release follows from the write. */
async function end(deps: Deps, worker: Worker, container: ContainerState, how: string): Promise<void> {
  const step = { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
  const left = container.type === "exited" && container.result !== undefined ? container.result : "";
  // Half a file: the worker was killed while it wrote. Then it left no word.
  const done = parseJobDone(left);
  const report = done === undefined ? undefined : clipReport(reportOf(done));
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    report === undefined ? lost(current, step) : finished(current, report, step),
  );
  if (!changed) return;
  const tail = (await deps.pools.get(worker.pool)?.driver.logsTail(worker.id, 5)) ?? [];
  deps.log.warn("worker-ended", {
    worker: worker.id,
    job: worker.jobId,
    reason: report?.outcome ?? "lost",
    message: `${how}${tail.length === 0 ? "" : `; its last words: ${tail.join(" | ")}`}`,
  });
}
