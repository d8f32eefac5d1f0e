// A worker whose time has come: what the pool says of its container decides, never GitHub's `busy`.
import { BRAKES_RECHECK_MS, SILENT_RECHECK_MS, STOPPING_RECHECK_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Overdue, Sighting } from "../../domain/worker/overdue.ts";
import { decideOverdue } from "../../domain/worker/overdue.ts";
import type { DrainReason, Worker } from "../../domain/worker/worker.ts";
import { isAsSeen } from "../../domain/worker/worker.ts";
import { isIdleProgram } from "../../domain/worker/worker-lease.ts";
import {
  draining,
  finished,
  graceMs,
  isSpare,
  registrationChecked,
} from "../../domain/worker/worker-steps.ts";
import type { ContainerState } from "../../ports/pool-driver.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { resumeStart } from "../dispatch/start-worker.ts";
import { checkRegistration } from "../ending/check-registration.ts";
import { dismissWorker } from "../ending/dismiss-worker.ts";
import { endUnready, endWorker } from "../ending/end-worker.ts";
import { releaseWorker } from "../ending/release-worker.ts";
import { retireWorker } from "../pairing/retire-worker.ts";
import { updateWorker } from "../update.ts";
import type { PlannedStop } from "./planned-stops.ts";

/**
 * Answers the stop of its container, where that is to be taken down though the worker did not ask for it: whoever calls
 * this performs it (reconcile/planned-stops.ts). All else is done here.
 */
export async function reviveWorker(deps: Deps, worker: Worker): Promise<PlannedStop | undefined> {
  if (await isDismissed(deps, worker)) return undefined;
  if (isSpare(worker) && (worker.spareUntil ?? 0) <= deps.clock.now()) {
    await retireWorker(deps, worker.id, worker.jobId);
  }
  const container = await sight(deps, worker);
  const sighting: Sighting = container.type === "running" ? "running" : "ended";
  const overdue = decideOverdue(worker, sighting, stepOf(deps, worker));
  return act(deps, worker, overdue, container);
}

/** Should the change of its API job's end be lost, the worker is ended here. */
async function isDismissed(deps: Deps, worker: Worker): Promise<boolean> {
  if ((worker.kind ?? "github") === "github" || worker.state === "reserving") return false;
  return dismissWorker(deps, worker, await deps.stores.jobs.get(worker.jobId));
}

async function sight(deps: Deps, worker: Worker): Promise<ContainerState> {
  // Its container has no say any more, and its end waits for no answer about it.
  if (worker.state === "finished" || worker.state === "lost") return { type: "gone" };
  const driver = deps.pools.get(worker.pool)?.driver;
  // Without its pool in dispatch.yaml nobody can say that it is gone.
  return driver === undefined ? { type: "running" } : driver.inspect(worker.id);
}

async function act(
  deps: Deps,
  worker: Worker,
  overdue: Overdue,
  container: ContainerState,
): Promise<PlannedStop | undefined> {
  switch (overdue.type) {
    case "release":
      await releaseWorker(deps, worker);
      return undefined;
    case "resume-start":
      await resumeStart(deps, worker);
      return undefined;
    case "wait":
      await lookAgain(deps, worker, overdue.until);
      return undefined;
    case "drain":
      await drain(deps, worker, overdue.reason);
      return undefined;
    case "dismiss":
      await dismissIdle(deps, worker);
      return undefined;
    case "check-registration":
      return checkIdle(deps, worker, overdue.ifGone);
    case "stop":
      return plannedStop(deps, worker, "it reached its execution limit", () => stopOverdue(deps, worker));
    case "boot-timeout":
    case "unready":
      await endUnready(deps, worker, container);
      return undefined;
    case "lost":
      return whenLost(deps, worker, container);
  }
}

/** A container that the pool knows and says has ended takes nothing down, nor does one that never made a call. */
async function whenLost(
  deps: Deps,
  worker: Worker,
  container: ContainerState,
): Promise<PlannedStop | undefined> {
  const how = "ended without a report";
  if (container.type === "gone" && worker.state !== "starting") {
    const lose = () => endWorker(deps, worker, container, how, (current) => isAsSeen(current, worker));
    return plannedStop(deps, worker, "the pool has no container of it", lose);
  }
  await endWorker(deps, worker, container, how);
  return undefined;
}

async function checkIdle(
  deps: Deps,
  worker: Worker,
  ifGone: "drain" | "lost",
): Promise<PlannedStop | undefined> {
  const isGone = (await checkRegistration(deps, worker)) === "gone";
  if (isGone && ifGone === "drain") await drain(deps, worker, "registration-gone");
  else if (isGone) {
    const how = "was silent without a registration";
    const lose = () => endWorker(deps, worker, { type: "gone" }, how, (current) => isAsSeen(current, worker));
    return plannedStop(deps, worker, "silent, and its runner is not registered", lose);
  } else if (ifGone === "lost") await lookAgain(deps, worker, deps.clock.now() + SILENT_RECHECK_MS);
  else {
    await updateWorker(deps.stores.workers, worker.id, (current) =>
      current.state === "listening" ? registrationChecked(current, stepOf(deps, current)) : undefined,
    );
  }
  return undefined;
}

/** Nothing happens when it was given another job, or has one, since it was looked at. */
async function drain(deps: Deps, worker: Worker, reason: DrainReason): Promise<void> {
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.version === worker.version ? draining(current, reason, stepOf(deps, current)) : undefined,
  );
  if (!changed) return;
  deps.log.info("worker-draining", { worker: worker.id, job: worker.jobId, reason });
}

function plannedStop(deps: Deps, worker: Worker, reason: string, stop: () => Promise<void>): PlannedStop {
  return {
    worker: worker.id,
    pool: worker.pool,
    reason,
    async run() {
      const current = await deps.stores.workers.get(worker.id);
      // Heard of meanwhile, or somebody else has seen to it.
      if (current !== undefined && isAsSeen(current, worker)) await stop();
    },
    halted: () => lookAgain(deps, worker, deps.clock.now() + BRAKES_RECHECK_MS),
  };
}

/** Nothing is written when it has moved on meanwhile. */
async function lookAgain(deps: Deps, worker: Worker, dueAt: EpochMs): Promise<void> {
  await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.version === worker.version ? { ...current, dueAt } : undefined,
  );
}

/** One that takes its grace may still report, and is looked at again: nobody waits for it here. */
async function stopOverdue(deps: Deps, worker: Worker): Promise<void> {
  // Behind this write it is given no further job: the one that is stopped is the one that ran too long.
  const { item, changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.version === worker.version ? overLimit(current, deps.clock.now()) : undefined,
  );
  if (!changed || item === undefined) return;
  const outcome = await deps.pools.get(worker.pool)?.driver.stop(worker.id, graceMs(worker));
  if (outcome === "stopping") return lookAgain(deps, item, deps.clock.now() + STOPPING_RECHECK_MS);
  deps.log.warn("worker-stopped", { worker: worker.id, job: worker.jobId, reason: "execution-timeout" });
  await endWorker(deps, worker, await sight(deps, worker), "reached its execution limit");
}

function overLimit(worker: Worker, at: EpochMs): Worker {
  return { ...worker, drain: { reason: "execution-timeout", at } };
}

async function dismissIdle(deps: Deps, worker: Worker): Promise<void> {
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    current.version === worker.version && isIdleProgram(current)
      ? finished(current, IDLE, stepOf(deps, current))
      : undefined,
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

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}
