// What an operator sees, and cards taken out of use by hand.
import { describe, expect, test } from "vitest";
import { stateAnswer } from "../../../shared/protocol/operator-plane.ts";
import { listState } from "../../../shared/usecases/operator-plane/list-state.ts";
import type { CardOrder } from "../../../shared/usecases/operator-plane/quarantine-card.ts";
import { quarantineCard } from "../../../shared/usecases/operator-plane/quarantine-card.ts";
import { OWNER, POOL, T0, TENANT } from "../../domain/builders.ts";
import { isQuiet, play, poolOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { A2, GLOBEX, HOUR_MS, OTHER, operatorWorld, pause, queue } from "./operator-world.ts";

const card = (world: World, order: Partial<CardOrder> = {}) =>
  quarantineCard(world.deps, {
    pool: POOL,
    card: "0",
    action: "add",
    reason: "HBM errors",
    by: "admin",
    ...order,
  });

describe("the state", () => {
  test("of a dispatcher that nobody has used", async () => {
    const pool = {
      name: POOL,
      counted: false,
      total: 0,
      used: 0,
      free: 0,
      workers: {},
      tenants: [],
      cards: [],
    };
    expect(await listState(operatorWorld().deps)).toEqual({ pauses: [], pools: [pool] });
  });

  test("pools, who holds and waits, what failed, what is paused; as the protocol says", async () => {
    const world = operatorWorld({ cards: 3, script: { jobMs: HOUR_MS } });
    for (let n = 0; n < 2; n++) queue(world, A2);
    await play(world, { forMs: 120_000 });
    await card(world, { card: "2" });
    for (let n = 0; n < 101; n++) queue(world, OTHER, GLOBEX);
    await world.deliver();
    await pause(world, { tenant: GLOBEX.login });
    const pool = (await poolOf(world))!;
    const failed = { strikes: 2, lastAt: T0, reason: "E_HEALTH", until: T0 + HOUR_MS };
    await world.stores.pools.replace({
      ...pool,
      version: pool.version + 1,
      trouble: { ...pool.trouble, 1: failed, 0: { ...failed, strikes: 1, until: undefined } },
      unavailableUntil: world.now() + 5_000,
      unavailableWhy: "its host does not answer",
    });
    const state = await listState(world.deps);
    expect(stateAnswer.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
    expect(state).toMatchObject({
      pauses: [
        { kind: "tenant", name: String(GLOBEX.id), mode: "pause", reason: "driver upgrade", by: "admin" },
      ],
      pools: [
        {
          total: 3,
          used: 2,
          free: 0,
          unavailable: { until: world.now() + 5_000, why: "its host does not answer" },
          workers: { running: 2 },
          tenants: [
            { tenant: TENANT, login: OWNER.login, cards: 2, workers: 2, waiting: 0, more: false },
            { login: GLOBEX.login, cards: 0, workers: 0, waiting: 100, more: true },
          ],
          cards: [
            { card: "0", strikes: 1, quarantine: "none" },
            { card: "1", quarantine: "timed", until: T0 + HOUR_MS },
            { card: "2", quarantine: "by-hand", reason: "HBM errors (admin)" },
          ],
        },
      ],
    });
  });
});

describe("a card", () => {
  test("out of use is given to nobody, whatever ran on it when that was ordered", async () => {
    const world = operatorWorld({ cards: 2, script: { jobMs: 300_000 } });
    for (let n = 0; n < 6; n++) queue(world, A2);
    await play(world, { forMs: 60_000 });
    const [first] = world.pool.started;
    expect(await card(world)).toEqual({
      type: "done",
      message: `card 0 of pool a2 is given to nobody until it is lifted; ${first?.workerId} holds it and goes on`,
    });
    expect(await play(world, { forMs: 2 * HOUR_MS, until: isQuiet })).toBe(true);
    expect(world.pool.started.slice(2).map(({ slots }) => slots)).toEqual([[1], [1], [1], [1]]);
  });

  test("that is lifted is used at once by who waits", async () => {
    const world = operatorWorld({ cards: 1 });
    expect(await card(world)).toMatchObject({ type: "done" });
    queue(world, A2);
    await world.deliver();
    expect(world.pool.started).toEqual([]);
    expect(await card(world, { action: "lift" })).toMatchObject({
      message: "card 0 of pool a2 is in use again",
    });
    expect(world.pool.started.map(({ slots }) => slots)).toEqual([[0]]);
    expect(await card(world, { action: "lift" })).toMatchObject({
      message: expect.stringContaining("not in quarantine"),
    });
    expect(world.log.of("operator-order").map(({ message }) => message)).toEqual([
      "card 0 quarantined by admin: HBM errors",
      "card 0 lifted by admin: HBM errors",
    ]);
  });

  test.each([
    [{ pool: "a3" }, { type: "unknown", message: 'there is no pool "a3"; known are a2' }],
    [{ card: "2" }, { type: "unknown", message: "pool a2 has no card 2; it has 0 to 1" }],
    [{ card: "01" }, { type: "unknown" }],
    [{ card: "node-1/davinci3" }, { type: "unknown" }],
  ])("%o is none", async (order, outcome) => {
    const world = operatorWorld({ cards: 2 });
    expect(await card(world, order)).toMatchObject(outcome);
    expect((await poolOf(world))?.trouble).toBeUndefined();
    expect(world.log.of("operator-order")).toEqual([]);
  });

  test("of a pool that chooses its cards itself is refused", async () => {
    const world = operatorWorld({ namedCards: false });
    expect(await card(world)).toMatchObject({ type: "refused", message: expect.stringContaining("itself") });
  });

  test("orders and a pass at the same time: none is lost", async () => {
    const world = operatorWorld({ cards: 4 });
    for (let n = 0; n < 2; n++) queue(world, A2);
    await Promise.all([card(world), world.deliver(), card(world, { card: "1" })]);
    expect(Object.keys((await poolOf(world))?.trouble ?? {})).toEqual(["0", "1"]);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });
});
