// The reconciler's clocks in one process: a pass, a pause, the next pass, never two at once; beside them, in the same way,
// the sweeps over GitHub's lists, which may take seconds. Between passes it hears of what its pools tell.
import type { ApiDeps } from "../shared/usecases/client-plane/api-deps.ts";
import { githubLooks } from "../shared/usecases/reconcile/github-looks.ts";
import { passDue } from "../shared/usecases/reconcile/reconcile.ts";
import { sweep } from "../shared/usecases/reconcile/sweep.ts";
import { createOutageLog, type OutageLog } from "./outage-log.ts";
import { watchPools } from "./pool-watches.ts";

/** In the cloud a schedule of one minute; here a pass is one index read, so back-offs of seconds are kept to. */
const RECONCILE_MS = 2_000;

export function startReconcileTimer(deps: ApiDeps, everyMs = RECONCILE_MS): { stop(): Promise<void> } {
  const works = [() => passDue(deps), () => sweep(deps, { alone: false, startedAt: deps.clock.now() })];
  const loops = works.map((work) =>
    startLoop(work, everyMs, createOutageLog(deps.log, deps.clock, "reconcile")),
  );
  const watched = watchPools(deps);
  return {
    async stop() {
      await watched.stop();
      await Promise.all(loops.map((loop) => loop.stop()));
      await githubLooks(deps).idle();
    },
  };
}

function startLoop(
  work: () => Promise<unknown>,
  everyMs: number,
  outage: OutageLog,
): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      running = work().then(outage.succeeded, outage.failed).finally(schedule);
    }, everyMs);
  }
}
