// Ends containers that outlive their limit, whenever somebody looks at them: an engine has no such timer, and neither
// has a driver that may live in a function for a second only.
import { STOP_GRACE_MS } from "../../../domain/deadlines.ts";
import type { PoolName, WorkerId } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { ListedContainer } from "./container-facts.ts";
import type { Engine } from "./engine/engine.ts";
import { wordsOf } from "./engine/engine-answer.ts";
import { deadlineIn } from "./labels.ts";

export type Enforce = (container: ListedContainer) => Promise<void>;

export type EnforceDeps = {
  readonly engine: Engine;
  readonly pool: PoolName;
  readonly clock: Clock;
  readonly log: Log;
};

/** TERM at the deadline, KILL at the first look after the grace. The container stays until `stop`. */
export function createEnforce(deps: EnforceDeps): Enforce {
  const termed = new Set<WorkerId>();

  return async (container) => {
    const { workerId } = container;
    const overMs = lateBy(container, deps.clock.now());
    if (overMs < 0) {
      termed.delete(workerId);
      return;
    }
    // Nothing that is frozen can heed TERM.
    const kills = overMs >= STOP_GRACE_MS || container.phase === "paused";
    // One TERM per worker: a program may take a second one for impatience.
    if (!kills && termed.has(workerId)) return;
    termed.add(workerId);
    await send(kills ? "SIGKILL" : "SIGTERM", { workerId, overMs }, deps);
  };
}

/** Milliseconds; negative while it may go on, or has ended. */
function lateBy({ phase, labels }: ListedContainer, now: number): number {
  const alive = phase === "running" || phase === "paused";
  return alive ? now - (deadlineIn(labels) ?? Number.POSITIVE_INFINITY) : -1;
}

async function send(
  signal: string,
  { workerId, overMs }: { readonly workerId: WorkerId; readonly overMs: number },
  { engine, pool, log }: EnforceDeps,
): Promise<void> {
  const path = `/containers/${workerId}/kill`;
  const answer = await engine.call({ method: "POST", path, query: { signal } });
  const about = { pool, worker: workerId, ms: overMs };
  if (answer.status < 300) {
    log.warn("worker-limit-reached", { ...about, reason: signal });
    return;
  }
  // It ended between the look and the signal.
  if (answer.status === 404 || answer.status === 409) return;
  log.error("worker-outlives-limit", { ...about, message: wordsOf(answer) });
}
