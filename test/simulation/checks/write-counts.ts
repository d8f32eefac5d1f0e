// How often the store is written to: what a run costs grows with its jobs and workers, never with their square.
import type { World } from "../world.ts";

type Limit = { readonly base: number; readonly each: number };

/**
 * Calls that would write, also those that lose their race: a store bills them too. In runs with every fault of the plan the
 * most that was seen of them is 4 of pools and 19 of workers for each worker that was made, and 16 of jobs for each job.
 */
const LIMITS = {
  "pools.replace": { base: 200, each: 5 },
  "workers.replace": { base: 200, each: 30 },
  "jobs.replace": { base: 200, each: 25 },
  // Passes of the reconciler write them too, whether there is work or not.
  "marks.put": { base: 4_000, each: 20 },
} as const satisfies { readonly [call: string]: Limit };

/** The one process gathers its writes of a pool: the most that was seen is 1.3, and 2.7 without that. */
const ONE_WRITER: Limit = { base: 200, each: 2 };

/** To be called from time to time: a loop that writes for ever is found while it does. */
export function checkWrites({ plan, dispatcher, table, watch }: World): void {
  const { writes } = dispatcher;
  const size = table.all.jobs.size + (writes.get("workers.create") ?? 0);
  const limits = plan.form === "single" ? { ...LIMITS, "pools.replace": ONE_WRITER } : LIMITS;
  for (const [call, { base, each }] of Object.entries(limits)) {
    const count = writes.get(call) ?? 0;
    if (count > base + each * size)
      watch.broken("too-many-writes", `${call} was called ${count} times for ${size} jobs and workers`);
  }
}
