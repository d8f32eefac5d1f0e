// Calls back once when a worker's execution limit is reached.
import type { EpochMs, WorkerId } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";

export type LimitTimers = {
  /** A second call for the same worker replaces the first. */
  arm(workerId: WorkerId, at: EpochMs): void;
  disarm(workerId: WorkerId): void;
};

/** Longest delay that setTimeout keeps (2^31 - 1 ms, 24.8 days); longer ones fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

/** Timers do not keep the process alive: the next dispatcher arms them again from the folders. */
export function limitTimers(clock: Clock, onLimit: (workerId: WorkerId) => Promise<void>): LimitTimers {
  const timers = new Map<WorkerId, NodeJS.Timeout>();
  return { arm, disarm };

  function arm(workerId: WorkerId, at: EpochMs): void {
    disarm(workerId);
    const delay = Math.min(Math.max(0, at - clock.now()), MAX_TIMER_MS);
    timers.set(workerId, setTimeout(() => fire(workerId, at), delay).unref());
  }

  function fire(workerId: WorkerId, at: EpochMs): void {
    // setTimeout counts on another clock and may be early, or the delay was cut: look again.
    if (clock.now() < at) {
      arm(workerId, at);
      return;
    }
    timers.delete(workerId);
    void onLimit(workerId);
  }

  function disarm(workerId: WorkerId): void {
    clearTimeout(timers.get(workerId));
    timers.delete(workerId);
  }
}
