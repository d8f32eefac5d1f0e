// Times of jobs and workers after the clock was set back: what was written before lies in the future, and would hold up
// everything for as long as the clock was ahead.
import type { EpochMs } from "../ids.ts";
import type { Job } from "../job/job.ts";
import { isTerminal } from "../job/job.ts";
import type { Worker } from "../worker/worker.ts";

type SetBack = { readonly now: EpochMs; readonly byMs: number };

/**
 * What has happened has happened by now; what is to come comes as much earlier. Undefined: nothing of it is out of line.
 */
export function jobSetBack(job: Job, { now, byMs }: SetBack): Job | undefined {
  const { hold, verifyAt, admitAt } = job;
  const times = [...pastOf(job), hold?.until, verifyAt, admitAt];
  if (isTerminal(job) || !times.some((at) => at !== undefined && at > now)) return undefined;
  const earlier = (at: EpochMs | undefined) => (at === undefined ? at : Math.max(now, at - byMs));
  return {
    ...job,
    createdAt: Math.min(job.createdAt, now),
    queuedAt: Math.min(job.queuedAt, now),
    phases: notAfter(job.phases, now),
    hold: hold && { ...hold, until: earlier(hold.until) },
    verifyAt: earlier(verifyAt),
    admitAt: earlier(admitAt),
  };
}

/** Its limits begin anew where they had not begun by now: nothing ends early. */
export function workerSetBack(worker: Worker, { now }: Pick<SetBack, "now">): Worker | undefined {
  const { drain, spareUntil } = worker;
  const times = [...pastOf(worker), worker.heartbeatAt, drain?.at];
  if (worker.state === "released" || !times.some((at) => at !== undefined && at > now)) return undefined;
  return {
    ...worker,
    createdAt: Math.min(worker.createdAt, now),
    phases: notAfter(worker.phases, now),
    heartbeatAt: worker.heartbeatAt && Math.min(worker.heartbeatAt, now),
    drain: drain && { ...drain, at: Math.min(drain.at, now) },
    ...(spareUntil !== undefined && { spareUntil: now }),
    // Looked at once: what is right from then on is decided there.
    dueAt: now,
  };
}

function pastOf({ createdAt, phases }: Pick<Job | Worker, "createdAt" | "phases">): (EpochMs | undefined)[] {
  return [createdAt, ...Object.values(phases)];
}

function notAfter<Phases extends { readonly [phase: string]: EpochMs }>(
  phases: Phases,
  now: EpochMs,
): Phases {
  return Object.fromEntries(
    Object.entries(phases).map(([phase, at]) => [phase, Math.min(at, now)]),
  ) as Phases;
}
