// A worker may know which of its cards failed: the others are not blamed.
import { expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { aReport } from "../../domain/builders.ts";
import { play, poolOf } from "../../fakes/play.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;

test.each([
  { badCards: ["1"], struck: ["1"], devices: undefined },
  { badCards: ["31", "32"], struck: ["0", "1"], devices: undefined },
  { badCards: undefined, struck: ["0", "1"], devices: undefined },
  // The pool has only some of the host's cards: the worker saw 1, which is slot 0.
  { badCards: ["1"], struck: ["0"], devices: ["1", "0"] },
])("cards $badCards failed a preflight on 0 and 1, $devices of the host: $struck", async (given) => {
  const { badCards, struck, devices } = given;
  const world = createWorld({ cards: 4 });
  world.github.queue({ labels: ["linux-aarch64-a2-2"] });
  await world.deliver();
  for (let n = 0; n < 2; n++) await world.step();
  const first = world.pool.started[0]?.workerId as WorkerId;
  expect((await world.stores.workers.get(first))?.slots).toEqual([0, 1]);
  const { inspect } = world.pool;
  world.pool.inspect = async (worker) => ({ ...(await inspect(worker)), devices }) as never;
  const report = aReport({ outcome: "preflight-failed", message: "E_HEALTH: ill", badCards });
  world.pool.exit(first, 94, JSON.stringify({ error: report.message, output: report }));
  const blamed = async () => Object.keys((await poolOf(world))?.trouble ?? {});
  await play(world, { forMs: 3 * MINUTE_MS, until: async () => (await blamed()).length > 0 });
  expect(await blamed()).toEqual(struck);
});

test("a worker that knows that none of its cards is to blame costs no card", async () => {
  const world = createWorld({ cards: 4 });
  world.github.queue({ labels: ["linux-aarch64-a2-2"] });
  await world.deliver();
  for (let n = 0; n < 2; n++) await world.step();
  const first = world.pool.started[0]?.workerId as WorkerId;
  const message = "E_BUSY: Another container holds the shared card of this worker (-8020).";
  const report = aReport({ outcome: "preflight-failed", message, badCards: [] });
  world.pool.exit(first, 91, JSON.stringify({ error: message, output: report }));
  await play(world, { forMs: 3 * MINUTE_MS });
  expect(await world.stores.workers.get(first)).toMatchObject({ state: "released" });
  expect((await poolOf(world))?.trouble ?? {}).toEqual({});
});
