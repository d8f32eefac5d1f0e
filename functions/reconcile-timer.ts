// The reconciler's clock in one process: a pass, a pause, the next pass; never two at once.
import type { Deps } from "../shared/usecases/deps.ts";
import { reconcile } from "../shared/usecases/reconcile/reconcile.ts";

/** In the cloud a schedule of one minute; here a pass is one index read, so back-offs of seconds are kept to. */
const RECONCILE_MS = 2_000;

export function startReconcileTimer(deps: Deps, everyMs = RECONCILE_MS): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let pass: Promise<void> = Promise.resolve();
  let stopped = false;
  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await pass;
    },
  };

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      pass = run().finally(schedule);
    }, everyMs);
  }

  async function run(): Promise<void> {
    try {
      await reconcile(deps);
    } catch (error) {
      deps.log.error("reconcile-failed", { error });
    }
  }
}
