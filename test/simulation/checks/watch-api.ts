// Looks on at the jobs of the API: one result for each life, none after a cancel, and at most one program at work on it.
import type { EpochMs, JobId } from "../../../shared/domain/ids.ts";
import type { Job, JobState } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import type { Container } from "../outside/sim-pool.ts";
import type { Work } from "../outside/sim-worker.ts";
import type { Rule } from "./rules.ts";
import type { TrueTimes } from "./true-times.ts";
import { leastOf } from "./true-times.ts";

export type ApiWatch = {
  /** A client asks for the end of this job. */
  asksEnd(id: JobId): void;
  /**
   * A client's call for another life of it. One whose answer was lost is made again, and when that life has failed
   * meanwhile it is the call for the next: `/retry` has no key that names it.
   */
  asksRetry(id: JobId): void;
  written(next: Job, before: Job): void;
  programBegan(container: Container, work: Work): void;
  programEnded(container: Container): void;
  /** The dispatcher has said that it has the result. */
  programHeard(work: Work, state: JobState): void;
  /** It has ended, in its last life or in one before, for another reason than its worker's. */
  wasCalledOff(id: JobId): boolean;
  /** Of this life, as the program was told; undefined: nobody has told it. */
  heardOf(work: Work): JobState | undefined;
};

export function createApiWatch(
  broken: (rule: Rule, message: string) => void,
  {
    now,
    isFollowed,
    of,
  }: { readonly now: () => EpochMs; readonly isFollowed: boolean } & Pick<TrueTimes, "of">,
): ApiWatch {
  const endAsked = new Set<JobId>();
  const retriesAsked = new Map<JobId, number>();
  const calledOff = new Set<JobId>();
  const atWork = new Map<Container, Work>();
  const heard = new Map<string, JobState>();
  return {
    asksEnd: (id) => void endAsked.add(id),
    asksRetry: (id) => void retriesAsked.set(id, (retriesAsked.get(id) ?? 0) + 1),
    written,
    programBegan(container, work) {
      for (const [other, its] of atWork) {
        if (other !== container && other.state === "alive" && lifeOf(its) === lifeOf(work))
          broken("ran-twice", `${work.job} runs in ${container.id} and in ${other.id}`);
      }
      atWork.set(container, work);
    },
    programEnded: (container) => void atWork.delete(container),
    programHeard(work, state) {
      const life = lifeOf(work);
      if (heard.has(life)) broken("ran-twice", `${life} has two results`);
      heard.set(life, state);
    },
    wasCalledOff: (id) => calledOff.has(id),
    heardOf: (work) => heard.get(lifeOf(work)),
  };

  function written(next: Job, before: Job): void {
    const [now, then] = [next.api, before.api];
    if (now === undefined || then === undefined) return;
    if (now.generation !== then.generation) runsAgain(next, before);
    else if (isTerminal(before)) keepsEnd(next, before);
    else if (isTerminal(next)) ends(next);
  }

  function runsAgain({ id, api }: Job, { state, api: then }: Job): void {
    const isAsked = (api?.retries ?? 0) <= (retriesAsked.get(id) ?? 0);
    const isNext = api?.generation === (then?.generation ?? 0) + 1;
    if (!isAsked || !isNext || (state !== "FAILED" && state !== "TIMED_OUT"))
      broken("terminal-changed", `${id} was ${state} and runs again`);
  }

  function keepsEnd(next: Job, before: Job): void {
    const isSame = next.api?.output === before.api?.output && next.api?.error === before.api?.error;
    if (!isSame || next.end !== before.end)
      broken("result-changed", `${next.id} is ${next.state} and got another result`);
  }

  function ends(job: Job): void {
    const { id, state, end } = job;
    if (state === "TIMED_OUT") lookAtTime(job);
    if (state === "CANCELLED" || state === "TIMED_OUT") calledOff.add(id);
    if (state === "CANCELLED" && !endAsked.has(id) && end?.reason !== "cancelled-before-pickup")
      broken("wrong-result", `${id} is CANCELLED, and nobody has asked for that`);
  }

  /** By the time that has passed, whatever the clocks say. */
  function lookAtTime({ id, api, end }: Job): void {
    // What was never picked up ends with its worker.
    if (api === undefined || end?.reason === "never-picked-up") return;
    const { queuedAt, startedAt } = of(id);
    const isRun = end?.reason === "execution-timeout";
    const [since, limitMs] = isRun
      ? [startedAt, api.policy.executionTimeoutMs]
      : [queuedAt, api.policy.ttlMs];
    const hadMs = now() - (since ?? now());
    if (hadMs < leastOf(limitMs, isFollowed))
      broken("ended-too-early", `${id} ended as ${end?.reason} after ${hadMs} of ${limitMs} ms`);
  }
}

function lifeOf({ job, retries }: Work): string {
  return `${job}#${retries}`;
}
