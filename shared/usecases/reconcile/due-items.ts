// What is due, oldest first. A failing item does not stop the rest, nor is it the first of the next pass. What waits for
// GitHub is asked beside all else (github-looks.ts).
import type { EpochMs } from "../../domain/ids.ts";
import type { Job } from "../../domain/job/job.ts";
import type { DueItem } from "../../ports/store.ts";
import type { Deps } from "../deps.ts";
import type { GithubLooks } from "./github-looks.ts";
import { asksGithub, lookAtJob } from "./look-at-job.ts";
import { reviveWorker } from "./look-at-worker.ts";
import { failingItems } from "./pass/failing-items.ts";
import type { PlannedStop } from "./planned-stops.ts";

/** Items looked at in one pass: within its time even when each costs a slow GitHub call. */
const PASS_ITEMS = 200;
const AT_ONCE = 8;

export type DueView = {
  /** Looks that far ahead too. */
  readonly aheadMs: number;
  /** True once the pass has used up its time. */
  isLate(): boolean;
  /** Takes up jobs that have ended and still owe somebody a callback. */
  readonly ended: Job[];
  readonly stops: PlannedStop[];
  readonly faults: unknown[];
  /** Takes up the jobs that GitHub is to be asked about. */
  readonly looks: GithubLooks;
};

/** Answers how many were looked at. */
export async function lookAtDue(deps: Deps, view: DueView): Promise<number> {
  const until = deps.clock.now() + view.aheadMs;
  const oldest = await deps.stores.due.due(until, PASS_ITEMS);
  if (oldest.length === 0) return 0;
  const failing = await failingItems(deps);
  const aside = failing.count + view.looks.count;
  const isCut = oldest.length === PASS_ITEMS && aside > 0;
  const found = isCut ? await deps.stores.due.due(until, PASS_ITEMS + aside) : oldest;
  const free = found.filter((item) => !view.looks.has(item.id));
  const items = failing.order(free).slice(0, PASS_ITEMS);
  const failed: DueItem[] = [];
  let looked = 0;
  // Each begins when another has ended: one that is slow keeps nobody but itself.
  const lookOn = async (): Promise<void> => {
    for (let item = items[looked]; item !== undefined && !view.isLate(); item = items[looked]) {
      looked++;
      const one = item;
      await lookAt(deps, one, { ...view, until }).catch((fault: unknown) => {
        view.faults.push(fault);
        failed.push(one);
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lookOn));
  await failing.note(failed, items.slice(0, looked));
  return looked;
}

type Findings = Pick<DueView, "ended" | "stops" | "looks"> & { readonly until: EpochMs };

async function lookAt(deps: Deps, item: DueItem, { until, ended, stops, looks }: Findings): Promise<void> {
  if (item.kind === "job") {
    const found = await deps.stores.jobs.get(item.id);
    if (found === undefined) return;
    if (asksGithub(found, deps.clock.now())) return looks.add(found);
    const job = await lookAtJob(deps, found, until);
    if (job !== undefined) ended.push(job);
    return;
  }
  const worker = await deps.stores.workers.get(item.id);
  if (worker?.dueAt === undefined || worker.dueAt > until) return;
  const stop = await reviveWorker(deps, worker);
  if (stop !== undefined) stops.push(stop);
}
