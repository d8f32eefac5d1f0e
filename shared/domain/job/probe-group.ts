// Jobs of one run attempt that differ by their matrix only. GitHub queues them all at once and gives out no more than
// `max-parallel` of them: when a runner listened for one in vain, one worker at a time finds out for all.
//
// Any runner of the group may be given any of its jobs (they have one endpoint), so it does not matter which of them has
// the worker that probes. Every hold of the group ends by time too: what is lost here costs time, and no job.
import { backoffMs } from "../backoff.ts";
import { IDLE_RETRY } from "../deadlines.ts";
import type { EpochMs, JobId } from "../ids.ts";
import type { Job } from "./job.ts";

export type ProbeGroup = {
  /** Held back, in the order in which they were. */
  readonly waiting: readonly JobId[];
  /** May have a worker; not assigned yet. */
  readonly admitted: readonly JobId[];
  /** Those that have run to their end, each counted once. */
  readonly ended: readonly JobId[];
  /** Ends that GitHub has not yet followed by an assignment: so many jobs it may give out now. */
  readonly room: number;
  /** Rounds of probing in vain, one after the other. */
  readonly idleRounds: number;
  /** By time alone none is admitted before this. */
  readonly probeAt: EpochMs;
};

export const NO_GROUP: ProbeGroup = {
  waiting: [],
  admitted: [],
  ended: [],
  room: 0,
  idleRounds: 0,
  probeAt: 0,
};

/** Names come from outside, and a key of DynamoDB has 2,048 bytes at most. */
const MAX_NAME = 200;

/** Undefined for a job that is not GitHub's. */
export function probeGroupId(job: Job): string | undefined {
  if (job.github === undefined) return undefined;
  const { repository, runId, runAttempt, name } = job.github;
  return [repository.id, runId, runAttempt, job.endpoint, baseName(name).slice(0, MAX_NAME)].join("#");
}

/**
 * `test (3.11, a2)` is `test`, and `call (a) / build (b)` is `call / build`: how GitHub writes matrix values into a name.
 */
export function baseName(name: string): string {
  return name
    .split(" / ")
    .map((part) => part.replace(/ \(.*\)$/s, ""))
    .join(" / ");
}

/** A runner listened for this job in vain. The same object when that is known. */
export function idled(group: ProbeGroup, id: JobId, now: EpochMs, random: number): ProbeGroup {
  if (group.waiting.includes(id)) return group;
  const next = { ...without(group, id), room: 0 };
  const waiting = [...next.waiting, id];
  // Runners that started together end together: one round.
  if (now < group.probeAt) return { ...next, waiting };
  const idleRounds = group.idleRounds + 1;
  return { ...next, waiting, idleRounds, probeAt: now + backoffMs(idleRounds, random, IDLE_RETRY) };
}

export type Admission = {
  readonly group: ProbeGroup;
  /** Undefined: the job may have a worker; else when it asks again. */
  readonly waitUntil: EpochMs | undefined;
};

/** May a waiting job have a worker? `probing`: those of `admitted` that wait for one or have one. */
export function admit(group: ProbeGroup, id: JobId, probing: ReadonlySet<JobId>, now: EpochMs): Admission {
  if (group.admitted.includes(id)) return { group, waitUntil: undefined };
  const admitted = group.admitted.filter((one) => probing.has(one));
  if (admitted.length === 0 && now >= group.probeAt) {
    const next = without(group, id);
    return { group: { ...next, admitted: [id] }, waitUntil: undefined };
  }
  const waitUntil = admitted.length === 0 ? group.probeAt : now + IDLE_RETRY.maxMs;
  if (group.waiting.includes(id)) return { group, waitUntil };
  return { group: { ...group, waiting: [...group.waiting, id] }, waitUntil };
}

type Progress = {
  readonly group: ProbeGroup;
  /** Admitted now: to be taken out of their hold. */
  readonly lifted: readonly JobId[];
};

/**
 * GitHub assigned one (`assigned`), it ended after it ran (`ended`), or it will never run (`gone`). As many are admitted
 * as GitHub may give out, and one more than none: whether there is more room, only a runner that listens can tell.
 */
export function progressed(group: ProbeGroup, id: JobId, what: "assigned" | "ended" | "gone"): Progress {
  const isNews =
    what === "ended" ? !group.ended.includes(id) : [...group.admitted, ...group.waiting].includes(id);
  if (!isNews) return { group, lifted: [] };
  const left = without(group, id);
  if (what === "gone") return { group: left, lifted: [] };
  const moved: ProbeGroup =
    what === "ended"
      ? { ...left, ended: [...left.ended, id], room: left.room + 1 }
      : { ...left, room: Math.max(0, left.room - 1) };
  const count = Math.max(0, Math.max(1, moved.room) - moved.admitted.length);
  const lifted = moved.waiting.slice(0, count);
  return {
    group: {
      ...moved,
      waiting: moved.waiting.slice(count),
      admitted: [...moved.admitted, ...lifted],
      idleRounds: 0,
      probeAt: 0,
    },
    lifted,
  };
}

function without(group: ProbeGroup, id: JobId): ProbeGroup {
  return {
    ...group,
    waiting: group.waiting.filter((one) => one !== id),
    admitted: group.admitted.filter((one) => one !== id),
  };
}
