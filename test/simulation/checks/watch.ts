// Looks on from outside and checks the invariants at every step: writes, starts, stops, and what GitHub's runners do.
import type { EpochMs, JobId, WorkerId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal, jobDueAt } from "../../../shared/domain/job/job.ts";
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { isServing } from "../../../shared/domain/worker/worker.ts";
import { isIdleProgram } from "../../../shared/domain/worker/worker-lease.ts";
import { isSpare } from "../../../shared/domain/worker/worker-steps.ts";
import type { Decision } from "../eyes/fair-choice.ts";
import { findUnfair } from "../eyes/fair-choice.ts";
import { SECRET } from "../outside/github-calls.ts";
import type { SimRunner } from "../outside/github-things.ts";
import type { Container } from "../outside/sim-pool.ts";
import type { Work } from "../outside/sim-worker.ts";
import type { Rule, Violation } from "./rules.ts";
import type { TrueTimes } from "./true-times.ts";
import { createTrueTimes, leastOf } from "./true-times.ts";
import type { ApiWatch } from "./watch-api.ts";
import { createApiWatch } from "./watch-api.ts";

/** What goes on in a container that is stopped. */
export type AtWork = { readonly runner: SimRunner | undefined; readonly work: Work | undefined };

export type Watch = Omit<ApiWatch, "written" | "wasCalledOff"> & {
  readonly violations: readonly Violation[];
  readonly times: TrueTimes;
  broken(rule: Rule, message: string): void;
  job(next: Job, before: Job | undefined): void;
  worker(next: Worker, before: Worker | undefined): void;
  pool(next: Pool): void;
  /** What a dispatch pass has chosen, before it makes any worker. */
  decision(decision: Decision): void;
  started(container: Container, living: readonly Container[]): void;
  stopped(container: Container, worker: Worker | undefined, atWork: AtWork): void;
  /** Whatever is kept or logged. */
  seen(where: string, value: unknown, before?: unknown): void;
  /** From time to time. */
  tick(): void;
};

export type WatchOptions = {
  readonly now: () => EpochMs;
  readonly executionMs: number;
  /** The one process follows a clock that is set. */
  readonly isFollowed: boolean;
  /** Its record was lost: its cards are given away until it is adopted. */
  readonly isForgotten: (id: WorkerId) => boolean;
  /**
   * Its runner is at GitHub, with this job or none. The record of a worker whose runner has another job, or has ended and
   * hangs, may go on naming the job that it was started for: it is no second worker for it.
   */
  readonly mayRun: (id: WorkerId, job: JobId) => boolean;
  /** No process of the dispatcher answers: nobody can be told of a rebind. */
  readonly isAway: () => boolean;
  readonly onBroken: (violation: Violation) => void;
};

/**
 * The moment of a rebind: a former worker is told with its next ping, or looked at after GITHUB_RECHECK_MS by a pass of
 * each minute, and either may fail a few times while faults last.
 */
const REBIND_MS = 20 * 60_000;

export function createWatch(options: WatchOptions): Watch {
  const { now, executionMs, isFollowed, isForgotten, mayRun, isAway, onBroken } = options;
  const violations: Violation[] = [];
  const serving = new Map<JobId, Set<WorkerId>>();
  const doubled = new Map<JobId, EpochMs>();
  const registered = new Set<WorkerId>();

  const times = createTrueTimes(now);
  const { written, wasCalledOff, ...api } = createApiWatch(broken, { now, isFollowed, of: times.of });

  return { ...api, violations, times, broken, job, worker, pool, decision, started, stopped, seen, tick };

  function broken(rule: Rule, message: string): void {
    const violation = { rule, message };
    violations.push(violation);
    onBroken(violation);
  }

  function job(next: Job, before: Job | undefined): void {
    seen(next.id, next, before);
    times.job(next, before);
    // Every event may be lost: an open job that nobody would look at by itself may stay so for ever.
    if (!isTerminal(next) && jobDueAt(next) === undefined) broken("never-due", `${next.id} is ${next.state}`);
    if (before === undefined) return;
    written(next, before);
    const isNewLife = next.api?.generation !== before.api?.generation;
    if (isTerminal(before) && next.state !== before.state && !isNewLife) {
      broken("terminal-changed", `${next.id} was ${before.state} and became ${next.state}`);
    }
    if (next.starts > before.starts && before.state !== "IN_QUEUE") {
      broken("started-again", `${next.id} is ${before.state} and was given ${next.workerId}`);
    }
  }

  function worker(next: Worker, before: Worker | undefined): void {
    seen(next.id, next, before);
    times.worker(next, before);
    if (before !== undefined && before.jobId !== next.jobId) leave(before.jobId, next.id);
    if (next.registered) registered.add(next.id);
    const isWanted = isServing(next) && next.drain === undefined && !isSpare(next) && !isIdleProgram(next);
    if (isWanted) join(next.jobId, next.id);
    else leave(next.jobId, next.id);
  }

  function join(id: JobId, by: WorkerId): void {
    const workers = serving.get(id) ?? new Set();
    serving.set(id, workers.add(by));
    if (workers.size > 1 && !doubled.has(id)) doubled.set(id, now());
  }

  function leave(id: JobId, by: WorkerId): void {
    const workers = serving.get(id);
    workers?.delete(by);
    if (workers !== undefined && workers.size < 2) doubled.delete(id);
  }

  function tick(): void {
    if (isAway()) beginAnew();
    for (const [id, since] of doubled) {
      if (now() - since < REBIND_MS) continue;
      const workers = [...(serving.get(id) ?? [])].filter(
        (worker) => !registered.has(worker) || mayRun(worker, id),
      );
      if (workers.length < 2) continue;
      doubled.delete(id);
      broken("two-workers", `${id} has had ${workers.join(" and ")} for ${now() - since} ms`);
    }
  }

  /** Whoever comes back has the whole time for it. */
  function beginAnew(): void {
    for (const id of doubled.keys()) doubled.set(id, now());
  }

  function pool(next: Pool): void {
    if (usedCards(next) > next.total) broken("ledger-exceeded", `${usedCards(next)} of ${next.total} cards`);
    const slots = Object.values(next.reservations).flatMap((one) => one.slots);
    if (new Set(slots).size < slots.length)
      broken("ledger-exceeded", `a card is reserved twice: ${slots.join()}`);
  }

  function decision(made: Decision): void {
    const wrong = findUnfair(made);
    if (wrong !== undefined) broken("unfair-start", wrong);
  }

  function started(container: Container, living: readonly Container[]): void {
    if (container.isRevenant) return;
    const others = living.filter((one) => one.id !== container.id && !one.isRevenant && !isForgotten(one.id));
    const { cards } = container.pool;
    const used = others.reduce((sum, one) => sum + one.spec.cards, container.spec.cards);
    if (used > cards) broken("cards-exceeded", `${container.id} makes it ${used} of ${cards} cards`);
    const taken = new Set(others.flatMap((one) => one.spec.slots));
    const shared = container.spec.slots.filter((slot) => taken.has(slot));
    if (shared.length > 0) broken("card-shared", `${container.id} shares card ${shared.join()}`);
  }

  function stopped(container: Container, record: Worker | undefined, atWork: AtWork): void {
    const since = times.runsSince(container.id);
    if (since !== undefined && now() - since >= leastOf(executionMs, isFollowed)) return;
    if (record !== undefined && wasCalledOff(record.jobId)) return;
    const at = runsIn(record, atWork);
    if (at !== undefined)
      broken("running-killed", `${container.id} was stopped while it ran ${at} (${record?.state})`);
  }

  function seen(where: string, value: unknown, before?: unknown): void {
    if (holdsSecret(value, before)) broken("secret-in-clear", `${where} holds a secret of GitHub's`);
  }
}

/** The job that is at work in a container. */
function runsIn(record: Worker | undefined, { runner, work }: AtWork): string | undefined {
  if (runner?.host !== undefined && runner.job?.hasBegun === true) return `gh-${runner.job.id}`;
  // A program that was cut off before it showed that it has its job may be taken for one that never got it.
  const isSure = record?.lease?.ackedAt !== undefined && record.lease.jobId === work?.job;
  return isSure ? work?.job : undefined;
}

type Fields = { readonly [key: string]: unknown };

/** Parts that it shares with `before` were looked at then. */
function holdsSecret(value: unknown, before?: unknown): boolean {
  if (typeof value !== "object" || value === null) return hides(value);
  const fields = value as Fields;
  const known = before as Fields | undefined;
  for (const key of Object.keys(fields)) {
    if (fields[key] !== known?.[key] && hides(fields[key])) return true;
  }
  return false;
}

/** As text, which is ten times as fast as going through its parts. */
function hides(part: unknown): boolean {
  if (typeof part === "string") return part.includes(SECRET);
  return typeof part === "object" && part !== null && JSON.stringify(part).includes(SECRET);
}
