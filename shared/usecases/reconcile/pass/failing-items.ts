// Due items whose last look failed: they come last and after a pause, so that none of them keeps the others waiting.

import { FAILED_ITEM_MS } from "../../../domain/deadlines.ts";
import type { EpochMs } from "../../../domain/ids.ts";
import { isOver } from "../../../domain/time-gate.ts";
import type { DueItem } from "../../../ports/store.ts";
import type { Deps } from "../../deps.ts";
import { remember } from "./remember.ts";

export type FailingItems = {
  /** Read at most this many due items more than a pass looks at: the oldest may be failing ones. */
  readonly count: number;
  /** Those to look at now, the others first. */
  order(items: readonly DueItem[]): DueItem[];
  note(failed: readonly DueItem[], looked: readonly DueItem[]): Promise<void>;
};

const PLACE = "failing items";
/** Remembered at once: 50 kB. Beyond them a failing item is taken for a healthy one. */
const MAX_REMEMBERED = 1_000;
/** One that has not failed for as long is no longer due, or gone. */
const FORGOTTEN_MS = 20 * FAILED_ITEM_MS;

export async function failingItems(deps: Pick<Deps, "stores" | "clock">): Promise<FailingItems> {
  const before = await deps.stores.marks.get("sightings", PLACE);
  const failedAt = new Map<string, EpochMs>(Object.entries(before?.value.seen ?? {}));
  const atOf = (item: DueItem) => failedAt.get(nameOf(item)) ?? 0;
  return {
    count: failedAt.size,
    order(items) {
      const healthy = items.filter((item) => !failedAt.has(nameOf(item)));
      const failing = items.filter(
        (item) => failedAt.has(nameOf(item)) && isOver(atOf(item), FAILED_ITEM_MS, deps.clock.now()),
      );
      return [...healthy, ...failing.sort((a, b) => atOf(a) - atOf(b))];
    },
    async note(failed, looked) {
      const now = deps.clock.now();
      for (const item of looked) failedAt.delete(nameOf(item));
      for (const item of failed) failedAt.set(nameOf(item), now);
      const recent = [...failedAt].filter(([, at]) => !isOver(at, FORGOTTEN_MS, now)).slice(-MAX_REMEMBERED);
      await remember(deps, PLACE, before, Object.fromEntries(recent));
    },
  };
}

function nameOf(item: DueItem): string {
  return `${item.kind} ${item.id}`;
}
