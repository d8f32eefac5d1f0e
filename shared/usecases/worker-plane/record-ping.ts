// A ping keeps the worker's lease, tells its phase, and is the only way a runner's worker is asked to drain.

import { clipReport } from "../../domain/clip-report.ts";
import { HEARTBEAT_WRITE_MS } from "../../domain/deadlines.ts";
import type { EpochMs, WorkerId } from "../../domain/ids.ts";
import { pickedUp } from "../../domain/job/api-steps.ts";
import type { StartedJob } from "../../domain/started-job.ts";
import { isOver } from "../../domain/time-gate.ts";
import type { Worker, WorkerPhase } from "../../domain/worker/worker.ts";
import { isServing } from "../../domain/worker/worker.ts";
import { acked, missed } from "../../domain/worker/worker-lease.ts";
import { finished, reported, workerDueAt } from "../../domain/worker/worker-steps.ts";
import type { WorkerClaims } from "../../ports/worker-token.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { dismissWorker } from "../ending/dismiss-worker.ts";
import { bindStarted } from "../pairing/bind-started.ts";
import { updateJob, updateWorker } from "../update.ts";
import { adoptWorker } from "./adopt-worker.ts";
import { loseResult } from "./program-job.ts";

export type Ping = {
  readonly phase: WorkerPhase | undefined;
  readonly jobName: string | undefined;
  /** The jobs that it has, by its own word. */
  readonly jobIds?: readonly string[];
  /** What its runner's hook says it was given. */
  readonly started?: StartedJob | undefined;
  /** It failed a check of its own and is about to exit: which one, and why. */
  readonly unhealthy?: string | undefined;
};

/** `saidAt`: when it reached us. */
type SaidPing = Ping & { readonly saidAt: EpochMs };

/** Answers the reason to drain, if there is one; undefined for a worker that may go on. `claims`: of its token. */
export async function recordPing(
  deps: Deps,
  id: WorkerId,
  ping: Ping,
  claims?: WorkerClaims,
): Promise<string | undefined> {
  const saidAt = deps.clock.now();
  const worker = await deps.stores.workers.get(id);
  if (worker === undefined) return claims === undefined ? undefined : adoptWorker(deps, claims, ping);
  // What pings after its end may be a process that outlived it: the pool's word counts, not this one.
  if (!isServing(worker)) return worker.drain?.reason;
  if (ping.unhealthy !== undefined) return endUnhealthy(deps, worker, ping.unhealthy);
  const moved = await recordPhase(deps, worker, ping);
  if (moved === undefined) await beat(deps, worker);
  const current = await bindStarted(deps, moved ?? worker, ping.started);
  return (current.kind ?? "github") === "github"
    ? current.drain?.reason
    : compareWithJob(deps, current, { ...ping, saidAt });
}

/** The worker after this news; undefined when there was none. */
async function recordPhase(deps: Deps, worker: Worker, ping: Ping): Promise<Worker | undefined> {
  const { phase } = ping;
  if (phase === undefined || worker.kind === "program") return undefined;
  // Most pings say again what is known: they cost no second read.
  if (reported(worker, { phase, jobName: ping.jobName }, stepOf(deps, worker)) === undefined)
    return undefined;
  const { item, changed } = await updateWorker(
    deps.stores.workers,
    worker.id,
    (current) => reported(current, { phase, jobName: ping.jobName }, stepOf(deps, current)),
    worker,
  );
  if (!changed || item === undefined) return undefined;
  deps.log.info("worker-phase", { worker: item.id, job: item.jobId, phase, endpoint: item.endpoint });
  return item;
}

/** Should the change of the job's end be lost, its worker hears of it here. */
async function compareWithJob(deps: Deps, worker: Worker, ping: SaidPing): Promise<string | undefined> {
  const job = await deps.stores.jobs.get(worker.jobId);
  if (await dismissWorker(deps, worker, job)) return "job-ended";
  if (worker.kind === "program") await compareWithLease(deps, worker, ping);
  else if (worker.phases.running !== undefined && job?.phases.running === undefined) {
    await updateJob(deps.stores.jobs, worker.jobId, (current) =>
      current.workerId === worker.id ? pickedUp(current, deps.clock.now()) : undefined,
    );
  }
  return worker.drain?.reason;
}

async function compareWithLease(
  deps: Deps,
  worker: Worker,
  { jobIds = [], saidAt }: SaidPing,
): Promise<void> {
  const { lease } = worker;
  if (lease === undefined) return;
  const said = (current: Worker) => ({ ...stepOf(deps, current), saidAt });
  if (jobIds.includes(lease.jobId)) {
    const note = (current: Worker) => acked(current, lease.jobId, said(current));
    await updateWorker(deps.stores.workers, worker.id, note, worker);
    return;
  }
  const { item } = await updateWorker(deps.stores.workers, worker.id, (current) => {
    const outcome = missed(current, said(current));
    return outcome.type === "noted" ? outcome.worker : undefined;
  });
  if (item !== undefined && missed(item, said(item)).type === "lost") {
    await loseResult(deps, item, "no longer knew of it");
  }
}

/** RunPod's SDK exits right after it has said so. */
async function endUnhealthy(deps: Deps, worker: Worker, why: string): Promise<string> {
  const report = clipReport({
    outcome: "preflight-failed",
    message: `the worker found itself unhealthy: ${why}`,
    runnerExit: undefined,
    jobName: undefined,
    result: undefined,
  });
  await updateWorker(deps.stores.workers, worker.id, (current) =>
    finished(current, report, stepOf(deps, current)),
  );
  deps.log.warn("worker-unhealthy", { worker: worker.id, job: worker.jobId, message: report.message });
  return "unhealthy";
}

async function beat(deps: Deps, worker: Worker): Promise<void> {
  const { now, limits } = stepOf(deps, worker);
  if (!isOver(worker.heartbeatAt ?? 0, HEARTBEAT_WRITE_MS, now)) return;
  const dueAt = workerDueAt({ ...worker, heartbeatAt: now }, limits) ?? now;
  await deps.stores.workers.heartbeat(worker.id, now, dueAt);
}

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}
