// The clock was set back: jobs and workers whose times lie in the future are brought in line with it, once.
import type { JobId } from "../../../domain/ids.ts";
import { jobSetBack, workerSetBack } from "../../../domain/upkeep/set-back.ts";
import type { Deps } from "../../deps.ts";
import { updateJob, updateWorker } from "../../update.ts";
import { each } from "./each.ts";

/** Read at once, those due first; what is beyond them is due so late that its own time does. */
const MAX_ITEMS = 5_000;
/** Due times lie that far ahead of what is written with them, but for limits of execution, which begin anew. */
const HORIZON_MS = 2 * 3_600_000;

/** May be repeated, after a crash: then some are due a little earlier than they would have been. */
export async function followSetBack(deps: Deps, byMs: number): Promise<void> {
  const { stores, clock, log } = deps;
  const now = clock.now();
  const message =
    "what was written by the clock of before is brought in line: nothing waits for that time to come again";
  log.warn("clock-set-back", { ms: byMs, message });
  const live = await Promise.all([...deps.pools.keys()].map((name) => stores.workers.liveIds(name)));
  await each(live.flat(), async (id) => {
    await updateWorker(stores.workers, id, (worker) => workerSetBack(worker, { now }));
  });
  const due = await stores.due.due(now + byMs + HORIZON_MS, MAX_ITEMS);
  const jobs = due.flatMap(({ kind, id }): JobId[] => (kind === "job" ? [id] : []));
  await each(jobs, async (id) => {
    await updateJob(stores.jobs, id, (job) => jobSetBack(job, { now, byMs }));
  });
}
