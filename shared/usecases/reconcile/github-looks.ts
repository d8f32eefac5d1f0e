// Jobs that GitHub is asked about, a few at once, beside the passes of the reconciler: an answer may take 10 s, and while
// GitHub is away each of them does.
import { FAILED_ITEM_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import { isOver } from "../../domain/time-gate.ts";
import type { JobStore } from "../../ports/store.ts";
import type { Deps } from "../deps.ts";
import { lookAtJob } from "./look-at-job.ts";

/** Calls to GitHub at once: 8 of 300 ms each ask about 1,600 jobs in a minute. */
const AT_ONCE = 8;
/** The others are still due in the next pass. */
const MAX_WAITING = 1_000;

export type GithubLooks = {
  /** Asked about now, to be asked about, or not to be asked again yet. */
  readonly count: number;
  has(id: string): boolean;
  add(job: Job): void;
  /** Resolves when nobody is being asked about any more. */
  idle(): Promise<void>;
};

/** One for each process, by its store: what is under way is not asked a second time by the next pass. */
export function githubLooks(deps: Deps): GithubLooks {
  const known = KNOWN.get(deps.stores.jobs) ?? createLooks(deps);
  KNOWN.set(deps.stores.jobs, known);
  return known;
}

const KNOWN = new WeakMap<JobStore, GithubLooks>();

function createLooks(deps: Deps): GithubLooks {
  const waiting: Job[] = [];
  const present = new Set<string>();
  const failedAt = new Map<string, EpochMs>();
  const busy = new Set<Promise<void>>();
  return {
    get count() {
      return present.size + failedAt.size;
    },
    has(id) {
      const at = failedAt.get(id);
      if (at !== undefined && isOver(at, FAILED_ITEM_MS, deps.clock.now())) failedAt.delete(id);
      return present.has(id) || failedAt.has(id);
    },
    add(job) {
      if (present.has(job.id) || waiting.length >= MAX_WAITING) return;
      present.add(job.id);
      waiting.push(job);
      if (busy.size < AT_ONCE) begin();
    },
    async idle() {
      while (busy.size > 0) await Promise.all(busy);
    },
  };

  function begin(): void {
    const work: Promise<void> = lookOn().finally(() => busy.delete(work));
    busy.add(work);
  }

  async function lookOn(): Promise<void> {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      try {
        await lookAtJob(deps, job, deps.clock.now());
      } catch (error) {
        failedAt.set(job.id, deps.clock.now());
        deps.log.error("look-failed", { job: job.id, error });
      } finally {
        present.delete(job.id);
      }
    }
  }
}
