// Lambda entry: the clock's minute, one bounded pass over what is due.
import { type Reconciled, reconcile } from "../shared/usecases/reconcile/reconcile.ts";
import { once } from "./lambda/once.ts";
import { openDispatcher } from "./lambda/open-dispatcher.ts";

const open = once(() => openDispatcher(process.env, import.meta.dirname));

/** Rejects when any part of the pass failed, so that Lambda's error metric shows it; the next minute tries again. */
export async function handler(): Promise<Reconciled> {
  const { deps } = await open();
  try {
    const { clock, log } = deps;
    const startedAt = clock.now();
    const reconciled = await reconcile(deps);
    log.info("reconciled", { count: reconciled.looked, ms: clock.now() - startedAt });
    return reconciled;
  } catch (error) {
    // Lambda prints the outer error only; the log names each of its causes.
    deps.log.error("reconcile-failed", { error });
    throw error;
  }
}
