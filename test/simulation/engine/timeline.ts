// Virtual time: events in order, one after the other, each with everything it sets in motion before the next one.
import type { EpochMs } from "../../../shared/domain/ids.ts";

export type Timeline = {
  now(): EpochMs;
  /** Events of one moment happen in the order in which they were planned. */
  at(time: EpochMs, act: () => void): void;
  after(ms: number, act: () => void): void;
  pause(ms: number): Promise<void>;
  /** Plays until `until` or until nothing is left; rejects with what an event throws. */
  play(until: EpochMs): Promise<void>;
  /** Ends `play` after the present event. */
  halt(): void;
};

type Planned = { readonly at: EpochMs; readonly order: number; readonly act: () => void };

export function createTimeline(start: EpochMs): Timeline {
  const heap: Planned[] = [];
  let now = start;
  let order = 0;
  let halted = false;

  return {
    now: () => now,
    at,
    after: (ms, act) => at(now + ms, act),
    pause: (ms) => new Promise((resolve) => at(now + ms, resolve)),
    halt: () => {
      halted = true;
    },
    play,
  };

  function at(time: EpochMs, act: () => void): void {
    push(heap, { at: Math.max(now, time), order: order++, act });
  }

  function play(until: EpochMs): Promise<void> {
    halted = false;
    return new Promise((resolve, reject) => {
      step();

      function step(): void {
        if (isOver(until)) {
          resolve();
          return;
        }
        try {
          takeNext();
        } catch (error) {
          reject(error);
          return;
        }
        // A tick asked for by a microtask comes after all microtasks: whatever the event has set in motion has then
        // come to rest. It costs a tenth of a setImmediate.
        queueMicrotask(() => process.nextTick(step));
      }
    });
  }

  function isOver(until: EpochMs): boolean {
    if (halted) return true;
    const next = heap[0];
    if (next !== undefined && next.at <= until) return false;
    now = Math.max(now, until);
    return true;
  }

  function takeNext(): void {
    const next = heap[0] as Planned;
    pop(heap);
    now = next.at;
    next.act();
  }
}

function push(heap: Planned[], item: Planned): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Planned;
    if (!isBefore(item, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: Planned[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right !== undefined && isBefore(right, heap[child] as Planned)) child++;
    const below = heap[child] as Planned;
    if (!isBefore(below, last)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
