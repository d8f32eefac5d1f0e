// Looks at a worker as soon as its pool says that its container has ended, a few at once; the pass that comes anyway looks
// at what failed here.
import type { WorkerId } from "../shared/domain/ids.ts";
import type { Deps } from "../shared/usecases/deps.ts";
import { noticeEnd } from "../shared/usecases/reconcile/ended-containers.ts";

/** Of a host that loses all its containers at once. */
const AT_ONCE = 8;

export function watchPools(deps: Deps): { stop(): Promise<void> } {
  const waiting = new Set<WorkerId>();
  const busy = new Set<Promise<void>>();
  let stopped = false;
  const watches = [...deps.pools.values()].map(({ driver }) => driver.watch?.(notice));
  return {
    async stop() {
      stopped = true;
      for (const watch of watches) watch?.stop();
      await Promise.all(busy);
    },
  };

  function notice(id: WorkerId): void {
    waiting.add(id);
    begin();
  }

  function begin(): void {
    if (busy.size >= AT_ONCE || stopped || waiting.size === 0) return;
    const work: Promise<void> = lookOn().finally(() => {
      busy.delete(work);
      begin();
    });
    busy.add(work);
  }

  async function lookOn(): Promise<void> {
    for (const id of waiting) {
      if (stopped) return;
      waiting.delete(id);
      try {
        await noticeEnd(deps, id);
      } catch (error) {
        deps.log.warn("end-not-looked-at", { worker: id, error });
      }
    }
  }
}
