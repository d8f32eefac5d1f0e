// The table's stream for one process: changes are handled soon after their write, one at a time per item, and no more than
// one begun per turn of the event loop: over an embedded store a whole pass is one turn, and what came together would hold
// up every answer (ten passes: 30 ms).

import type { Log } from "../shared/ports/log.ts";
import type { Change } from "../shared/ports/store.ts";

export type ChangeQueue = {
  /** Called by the store after a write. Never throws and never waits. */
  push(change: Change): void;
  /** Resolves when nothing is being handled or waiting to be tried again. */
  idle(): Promise<void>;
  /** Handles nothing more; what is under way ends first. */
  close(): Promise<void>;
};

/** Tries in a row; after them the reconciler comes by at the item's due time. */
const MAX_TRIES = 3;
const RETRY_MS = 500;

/**
 * Handlers look at the present state, so of several changes of one item that wait only the last is kept. Different
 * items are handled side by side.
 */
export function createChangeQueue(options: {
  readonly handle: (change: Change) => Promise<void>;
  readonly log: Log;
}): ChangeQueue {
  const waiting = new Map<string, Change>();
  const active = new Map<string, Promise<void>>();
  let closed = false;
  let lastTurn = Promise.resolve();

  function push(change: Change): void {
    if (closed) return;
    const key = keyOf(change);
    waiting.set(key, change);
    if (active.has(key)) return;
    active.set(
      key,
      myTurn().then(() => drain(key)),
    );
  }

  /** In a later turn: the writer's own answer goes out first. */
  function myTurn(): Promise<void> {
    lastTurn = lastTurn.then(nextTurn);
    return lastTurn;
  }

  async function drain(key: string): Promise<void> {
    for (let change = waiting.get(key); change !== undefined && !closed; change = waiting.get(key)) {
      waiting.delete(key);
      await handleWithRetries(change);
    }
    // In the turn of the last look: a push after it starts the next run.
    active.delete(key);
  }

  async function handleWithRetries(change: Change): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await options.handle(change);
        return;
      } catch (error) {
        const last = attempt === MAX_TRIES || closed;
        options.log.error("change-failed", { ...idsOf(change), count: attempt, error });
        if (last) return;
        await pause(RETRY_MS * attempt);
      }
    }
  }

  async function idle(): Promise<void> {
    while (active.size > 0) await Promise.all(active.values());
  }

  return {
    push,
    idle,
    async close() {
      closed = true;
      await idle();
    },
  };
}

function keyOf(change: Change): string {
  return change.kind === "job" ? `job ${change.job.id}` : `worker ${change.worker.id}`;
}

function idsOf(change: Change): { job?: string; worker?: string } {
  return change.kind === "job" ? { job: change.job.id } : { worker: change.worker.id };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
