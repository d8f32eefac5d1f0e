// When what was written was written: the records say it by clocks that may be wrong.
import type { EpochMs, JobId, WorkerId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";

/** A time is read before it is written, and a slow store takes 45 s for a write; clocks differ by a few seconds besides. */
const WRITE_SLACK_MS = 100_000;

/** A server that follows a clock which was set is faster by at most a tenth. */
const FOLLOWED = 1.1;

/** So much of a limit has passed at least when it ends something. `isFollowed`: the server's clock is set on the way. */
export function leastOf(limitMs: number, isFollowed: boolean): number {
  return limitMs / (isFollowed ? FOLLOWED : 1) - WRITE_SLACK_MS;
}

export type TrueTimes = {
  job(next: Job, before: Job | undefined): void;
  worker(next: Worker, before: Worker | undefined): void;
  /** Of its present life; undefined: not yet. */
  of(id: JobId): JobTimes;
  /** Since its record says so. */
  runsSince(id: WorkerId): EpochMs | undefined;
  drainsSince(id: WorkerId): EpochMs | undefined;
};

type JobTimes = { queuedAt?: EpochMs; startedAt?: EpochMs; endedAt?: EpochMs };

export function createTrueTimes(now: () => EpochMs): TrueTimes {
  const jobs = new Map<JobId, JobTimes>();
  const running = new Map<WorkerId, EpochMs>();
  const draining = new Map<WorkerId, EpochMs>();
  return {
    job,
    worker,
    of: (id) => jobs.get(id) ?? {},
    runsSince: (id) => running.get(id),
    drainsSince: (id) => draining.get(id),
  };

  function job(next: Job, before: Job | undefined): void {
    const times = jobs.get(next.id) ?? {};
    jobs.set(next.id, times);
    if (next.queuedAt !== before?.queuedAt) times.queuedAt = now();
    if (next.api?.startedAt !== before?.api?.startedAt) times.startedAt = now();
    if (isTerminal(next) && (before === undefined || !isTerminal(before))) times.endedAt = now();
  }

  function worker(next: Worker, before: Worker | undefined): void {
    if (next.phases.running !== undefined && before?.phases.running === undefined)
      running.set(next.id, now());
    if (next.drain !== undefined && before?.drain === undefined) draining.set(next.id, now());
  }
}
