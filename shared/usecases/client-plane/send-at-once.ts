// The first try of a callback, as soon as the table tells that its job has ended. Whatever is left over is the
// reconciler's.
import type { EpochMs, TenantId } from "../../domain/ids.ts";
import { isTerminal } from "../../domain/job/job.ts";
import type { Change } from "../../ports/store.ts";
import type { ApiDeps } from "./api-deps.ts";
import { sendCallback } from "./send-callback.ts";

/** True for the changes that `sendAtOnce` acts on. */
export function owesFirstTry(change: Change): boolean {
  if (change.kind !== "job" || !isTerminal(change.job)) return false;
  const callback = change.job.api?.callback;
  return callback?.dueAt !== undefined && callback.tries === 0;
}

/** A purge may end 2,000 jobs at once, and each try is a socket. */
const MAX_AT_ONCE = 50;

/** A receiver as slow as that, with the store's answers around it, is a burden on whoever waits for the batch. */
const SLOW_MS = 3_000;
const LEFT_ALONE_MS = 60_000;

/**
 * One per process. A batch of the stream waits for its tries, up to 10 s each: a tenant whose receiver was slow is left to
 * the reconciler for a minute, so that it holds up the others' jobs once and not with each batch.
 */
export function createSendAtOnce(deps: ApiDeps): (change: Change) => Promise<void> {
  const leftAloneUntil = new Map<TenantId, EpochMs>();
  let underWay = 0;
  return async function sendAtOnce(change) {
    if (change.kind !== "job" || !owesFirstTry(change) || underWay >= MAX_AT_ONCE) return;
    const { tenant } = change.job;
    const startedAt = deps.clock.now();
    if ((leftAloneUntil.get(tenant) ?? 0) > startedAt) return;
    underWay++;
    try {
      await sendCallback(deps, change.job);
    } finally {
      underWay--;
      if (deps.clock.now() - startedAt >= SLOW_MS) {
        leftAloneUntil.set(tenant, deps.clock.now() + LEFT_ALONE_MS);
      } else leftAloneUntil.delete(tenant);
    }
  };
}
