// What GitHub's lists tell: deliveries that did not arrive, jobs that nobody told us of, registrations that nobody uses.
// Beside the passes over what is due: reading pages takes seconds. Two sweeps at once only ask for some things twice.
import { RECONCILE_WORK_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Deps } from "../deps.ts";
import { findUnheardJobs } from "../intake/find-unheard-jobs.ts";
import { recoverDeliveries } from "../intake/recover-deliveries.ts";
import { removeOrphanRegistrations } from "./orphan-registrations.ts";

export type SweepOptions = {
  /** After a restart of the only process: what came while nobody listened was lost for certain. */
  readonly alone: boolean;
  /** Of whatever the sweep is a part: nothing more is begun once its time is used up. */
  readonly startedAt: EpochMs;
};

/** A part that fails does not stop the rest. */
export async function sweep(deps: Deps, { alone, startedAt }: SweepOptions): Promise<void> {
  const faults: unknown[] = [];
  const parts = [
    () => recoverDeliveries(deps, { atOnce: alone }),
    () => findUnheardJobs(deps),
    () => removeOrphanRegistrations(deps),
  ];
  for (const part of parts) {
    if (deps.clock.now() - startedAt > RECONCILE_WORK_MS) break;
    await part().catch((fault: unknown) => faults.push(fault));
  }
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} parts of the sweep failed`);
}
