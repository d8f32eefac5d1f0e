// The wall clock is set while the dispatcher works, or before it is started again: nothing waits for the old time to come.
import { describe, expect, test } from "vitest";
import { dispatchPool } from "../../../shared/usecases/dispatch/dispatch-pool.ts";
import { recoverDeliveries } from "../../../shared/usecases/intake/recover-deliveries.ts";
import { lastPass, leaveNoTime } from "../../../shared/usecases/reconcile/pass/pass-lock.ts";
import { passDue, reconcile } from "../../../shared/usecases/reconcile/reconcile.ts";
import { aPool, POOL } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe.each([30_000, 2 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS])("set back by %i ms", (backMs) => {
  test("the next pass is made all the same", async () => {
    const world = createWorld();
    await reconcile(world.deps);
    world.clock.set(world.now() - backMs);
    expect(await passDue(world.deps)).not.toHaveProperty("skipped");
    expect(await passDue(world.deps)).not.toHaveProperty("skipped");
  });

  test("a pass that another process is in still keeps this one out", async () => {
    const world = createWorld();
    world.clock.set(world.now() - backMs);
    let inner: unknown;
    const { due } = world.deps.stores;
    const meets = {
      async due(...args: Parameters<typeof due.due>) {
        inner ??= await passDue(world.deps);
        return due.due(...args);
      },
    };
    await passDue({ ...world.deps, stores: { ...world.deps.stores, due: meets } });
    expect(inner).toMatchObject({ skipped: true });
  });

  test("a lock, and a pause of the pool, do not hold for longer than they are long", async () => {
    const world = createWorld({ stream: "lost" });
    world.github.queue();
    await world.deliver();
    const until = world.now() + backMs;
    await world.stores.pools.create({
      ...aPool(),
      lock: { holder: "another", until: until + 20_000 },
      unavailableUntil: until + 11 * MINUTE_MS,
    });
    await world.reconcile();
    await world.reconcile();
    const job = await jobOf(world, [...world.github.jobs.keys()][0]!);
    expect(await dispatchPool(world.deps, POOL, [job])).toBe(1);
  });

  test("a job that was held for minutes goes on within minutes", async () => {
    const world = createWorld({ cards: 2 });
    world.pool.refuse("no such image");
    const { workflowJobId: id } = world.github.queue();
    await world.deliver();
    await world.reconcile();
    expect((await jobOf(world, id)).hold?.until).toBe(world.now() + 10 * MINUTE_MS);
    world.pool.heal();
    world.clock.set(world.now() - backMs);
    expect(await play(world, { forMs: 14 * MINUTE_MS, until: isQuiet })).toBe(true);
    expect((await jobOf(world, id)).state).toBe("COMPLETED");
  });

  test("it is said once", async () => {
    const world = createWorld();
    await world.reconcile();
    world.clock.set(world.now() - backMs);
    await world.reconcile();
    await world.reconcile();
    expect(world.log.of("clock-set-back")).toHaveLength(1);
  });
});

test("a worker that listens when the clock is set back keeps its whole idle limit, and is not ended early", async () => {
  const world = createWorld({ script: { jobMs: HOUR_MS } });
  world.github.queue();
  await world.deliver();
  for (let n = 0; n < 4; n++) await world.step();
  await world.reconcile();
  const [id] = world.pool.running();
  world.clock.set(world.now() - HOUR_MS);
  await world.reconcile();
  const worker = await world.stores.workers.get(id!);
  expect(worker?.state).toBe("listening");
  expect(worker?.phases.listening).toBe(world.now());
  expect(worker?.drain).toBeUndefined();
});

describe("the process's own time", () => {
  const pass = async () => {
    const world = createWorld();
    const clock = { ...world.deps.clock, now: () => world.now(), aheadMs: () => -HOUR_MS };
    await passDue({ ...world.deps, clock });
    return world;
  };

  test("is left with each pass for the process after a crash", async () => {
    const world = await pass();
    expect(await lastPass(world.stores.marks)).toMatchObject({ startedAt: world.now(), aheadMs: -HOUR_MS });
  });

  test("is not left by a stop in order, and the next pass is made as ever", async () => {
    const world = await pass();
    await leaveNoTime(world.stores.marks);
    expect((await lastPass(world.stores.marks))?.aheadMs).toBeUndefined();
    expect(await passDue(world.deps)).not.toHaveProperty("skipped");
  });
});

describe("GitHub refuses what a wrong clock has signed", () => {
  test("its log of deliveries is asked for once a minute, not in every pass", async () => {
    const world = createWorld();
    world.github.fail("unauthorized", { method: "deliveries" });
    for (let n = 0; n < 300; n++) {
      await recoverDeliveries(world.deps);
      world.clock.advance(2_000);
    }
    expect(world.github.calls.deliveries).toBeLessThanOrEqual(12);
    expect(world.log.of("deliveries-not-recovered").length).toBeLessThanOrEqual(12);
  });

  test("a limit that it names is kept to", async () => {
    const world = createWorld();
    world.github.fail("rate-limited", { method: "deliveries", retryAfterMs: 4 * MINUTE_MS });
    await askFor(world, 4 * MINUTE_MS - 2_000);
    expect(world.github.calls.deliveries).toBe(1);
  });

  test("a watermark of the future is begun anew: what was lost meanwhile is asked for", async () => {
    const world = createWorld();
    const value = { since: world.now() + HOUR_MS, asked: {} };
    await world.stores.marks.put("deliveries", "app", { version: 1, value });
    world.post = () => [];
    world.github.queue();
    await world.deliver();
    world.clock.advance(6 * MINUTE_MS);
    await askFor(world, 6 * MINUTE_MS);
    expect(world.github.calls.redeliver).toBeGreaterThan(0);
  });
});

async function askFor(world: World, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 2_000) {
    await recoverDeliveries(world.deps);
    world.clock.advance(2_000);
  }
}
