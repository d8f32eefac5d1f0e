// After a restart of the only dispatcher: what the process before left half done is taken up at once, not at its deadline.
import type { ApiDeps } from "../client-plane/api-deps.ts";
import { updatePool } from "../update.ts";
import { reconcile } from "./reconcile.ts";

/** Looks ahead over every start, boot and heartbeat deadline; an execution limit of hours is left alone. */
const AHEAD_MS = 30 * 60_000;

/** Only where no other dispatcher can be at work on the same table: it breaks the locks of passes. */
export async function recover(deps: ApiDeps): Promise<void> {
  for (const name of deps.pools.keys()) {
    await updatePool(deps, name, (pool) =>
      pool.lock === undefined ? pool : { ...pool, lock: undefined, dirty: false },
    );
  }
  await reconcile(deps, { aheadMs: AHEAD_MS, alone: true });
}
