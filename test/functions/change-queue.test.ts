// No change is lost, whenever it comes: while its item is handled, and in each turn after that.
import { describe, expect, test } from "vitest";
import { createChangeQueue } from "../../functions/change-queue.ts";
import type { JobId } from "../../shared/domain/ids.ts";
import type { Change } from "../../shared/ports/store.ts";
import { aJob } from "../domain/builders.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";

const CHANGE: Change = { kind: "job", job: aJob() };

/** Calls `act` after as many turns of the microtask queue. */
function after(turns: number, act: () => void): void {
  if (turns === 0) act();
  else queueMicrotask(() => after(turns - 1, act));
}

describe("a change that comes some turns after its item was handled", () => {
  test.each(Array.from({ length: 12 }, (_, turns) => turns))("%i", async (turns) => {
    let handled = 0;
    const pushed = Promise.withResolvers<void>();
    const queue = createChangeQueue({
      log: createCollectingLog(),
      handle: async () => {
        handled += 1;
        if (handled > 1) return;
        after(turns, () => {
          queue.push(CHANGE);
          pushed.resolve();
        });
      },
    });
    queue.push(CHANGE);
    await pushed.promise;
    await queue.idle();
    expect(handled).toBe(2);
    await queue.close();
  });
});

test("what came together is begun one per turn of the loop: others' answers go out in between", async () => {
  const begun: string[] = [];
  const queue = createChangeQueue({
    log: createCollectingLog(),
    handle: async (change) => {
      begun.push(change.kind === "job" ? change.job.id : "");
    },
  });
  const ids = ["a", "b", "c"].map((id) => id as JobId);
  for (const id of ids) queue.push({ kind: "job", job: aJob({ id }) });
  const seen: number[] = [];
  for (let turns = 0; turns < 5; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(begun.length);
  }
  expect(seen).toEqual([0, 1, 2, 3, 3]);
  expect(begun).toEqual(ids);
  await queue.close();
});
