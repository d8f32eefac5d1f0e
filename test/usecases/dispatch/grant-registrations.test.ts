// Registrations are counted per owner before workers start: never too many, none wasted, and everybody's turn comes.
import { describe, expect, test } from "vitest";
import { tenantId } from "../../../shared/domain/ids.ts";
import { GRANT_MS, REGISTRATIONS } from "../../../shared/domain/upkeep/github-budget.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { dispatchPool } from "../../../shared/usecases/dispatch/dispatch-pool.ts";
import {
  grantRegistrations,
  registrationsLeft,
  returnRegistrations,
  stopRegistrations,
} from "../../../shared/usecases/dispatch/grant-registrations.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import { OWNER, POOL, REPOSITORY, TENANT } from "../../domain/builders.ts";
import { jobsOf } from "../../fakes/play.ts";
import { ACME, createWorld, type World, type WorldOptions } from "../../fakes/world.ts";

const LIMIT = REGISTRATIONS.limit;
const left = async (world: World) => (await registrationsLeft(world.deps, TENANT)).left;

describe("a grant", () => {
  test("is what is left of what is wanted, and says when there is more", async () => {
    const { deps, now } = createWorld();
    expect(await grantRegistrations(deps, TENANT, 1_499)).toEqual({ granted: 1_499, again: undefined });
    const again = now() - (now() % REGISTRATIONS.bucketMs) + REGISTRATIONS.bucketMs + REGISTRATIONS.spanMs;
    expect(await grantRegistrations(deps, TENANT, 5)).toEqual({ granted: 1, again });
    expect(await grantRegistrations(deps, TENANT, 1)).toEqual({ granted: 0, again });
    expect(await registrationsLeft(deps, TENANT)).toEqual({ left: 0, again });
    expect(await registrationsLeft(deps, tenantId(9))).toEqual({ left: LIMIT, again: undefined });
  });

  test("is had again when its span has passed, and after the mark itself is gone", async () => {
    const world = createWorld();
    await grantRegistrations(world.deps, TENANT, LIMIT);
    world.clock.advance(REGISTRATIONS.spanMs + REGISTRATIONS.bucketMs);
    expect(await left(world)).toBe(LIMIT);
    await grantRegistrations(world.deps, TENANT, 10);
    world.clock.advance(3_600_000);
    expect(await world.stores.marks.get("registrations", TENANT)).toBeUndefined();
    await grantRegistrations(world.deps, TENANT, 10);
    expect(await left(world)).toBe(LIMIT - 10);
  });

  test("given back is had again at once", async () => {
    const world = createWorld();
    const grantedAt = world.now();
    await grantRegistrations(world.deps, TENANT, LIMIT);
    world.clock.advance(30_000);
    await returnRegistrations(world.deps, TENANT, { count: 7, grantedAt });
    expect(await left(world)).toBe(7);
  });

  test("those who ask at once never get too many together", async () => {
    const world = createWorld();
    const grants = await Promise.all(
      Array.from({ length: 30 }, () => grantRegistrations(world.deps, TENANT, 70)),
    );
    const sum = grants.reduce((total, grant) => total + grant.granted, 0);
    expect(await left(world)).toBe(LIMIT - sum);
    expect(sum).toBeGreaterThan(0);
    // Who lost too often is told to come again soon.
    for (const grant of grants) {
      if (grant.granted === 0) expect(grant.again).toBeGreaterThan(world.now());
    }
  });

  test("GitHub's refusal ends them until its time; a shorter one changes nothing", async () => {
    const world = createWorld();
    await stopRegistrations(world.deps, TENANT, world.now() + 60_000);
    await stopRegistrations(world.deps, TENANT, world.now() + 10_000);
    const again = world.now() + 60_000;
    expect(await grantRegistrations(world.deps, TENANT, 5)).toEqual({ granted: 0, again });
    world.clock.advance(60_000);
    expect(await left(world)).toBe(LIMIT);
  });
});

/** So many jobs wait, their lane is known, and nobody has looked at them. */
async function waiting(jobs: number, options: WorldOptions = {}): Promise<World> {
  const world = createWorld({ ...options, stream: "lost" });
  for (let n = 0; n < jobs; n++) world.github.queue();
  await world.deliver();
  for (const job of await jobsOf(world)) {
    await world.stores.lanes.register({ pool: POOL, tenant: job!.tenant, login: "Acme" });
  }
  return world;
}

const use = (world: World, count: number) => grantRegistrations(world.deps, TENANT, count);
const inOwner = (id: number, login: string) => ({ ...REPOSITORY, owner: { ...OWNER, id, login } });

describe("dispatch", () => {
  test("starts as many as could register, and the others when they can", async () => {
    const world = await waiting(5);
    await use(world, LIMIT - 2);
    expect(await dispatchPool(world.deps, POOL)).toBe(2);
    expect(world.pool.started).toHaveLength(2);
    expect(world.log.of("registrations-used-up")).toMatchObject([{ tenant: TENANT, count: 2 }]);
    expect(await dispatchPool(world.deps, POOL)).toBe(0);
    world.clock.advance(REGISTRATIONS.spanMs + REGISTRATIONS.bucketMs);
    expect(await dispatchPool(world.deps, POOL)).toBe(3);
  });

  test("an owner without any does not keep the cards from another", async () => {
    const world = createWorld({ tenants: [ACME, { ...ACME, owner: "Other" }], stream: "lost", cards: 4 });
    for (let n = 0; n < 4; n++) world.github.queue();
    for (let n = 0; n < 4; n++) world.github.queue({ repository: inOwner(99, "Other") });
    await world.deliver();
    await world.stores.lanes.register({ pool: POOL, tenant: TENANT, login: "Acme" });
    await world.stores.lanes.register({ pool: POOL, tenant: tenantId(99), login: "Other" });
    await use(world, LIMIT);
    expect(await dispatchPool(world.deps, POOL)).toBe(4);
    expect(world.pool.started.every((spec) => spec.tenant === "99")).toBe(true);
  });

  test("costs one write of the count per round and owner, and none when nothing starts", async () => {
    let puts = 0;
    const counted = (stores: Stores): Stores => ({
      ...stores,
      marks: {
        get: (kind, id) => stores.marks.get(kind, id),
        put: (kind, id, next) => {
          puts += 1;
          return stores.marks.put(kind, id, next);
        },
      },
    });
    const world = await waiting(100, { wrapStores: counted, cards: 100 });
    expect(await dispatchPool(world.deps, POOL)).toBe(100);
    expect(puts).toBe(2);
    await dispatchPool(world.deps, POOL);
    expect(puts).toBe(2);
    expect(await left(world)).toBe(LIMIT - 100);
  });

  test("gives back what was granted for workers that the pool did not start", async () => {
    const world = await waiting(6);
    world.pool.refuse("the image is not allowed");
    await dispatchPool(world.deps, POOL);
    expect(world.pool.started).toEqual([]);
    expect(await left(world)).toBe(LIMIT);
  });
});

describe("a worker that asks late", () => {
  async function booted(): Promise<World> {
    const world = createWorld();
    world.github.queue();
    await world.deliver();
    await takeJob(world.deps, world.pool.started[0]!.workerId, "boot");
    return world;
  }
  const register = (world: World) =>
    registerRunner(world.deps, world.pool.started[0]!.workerId, "boot", "jit");

  test("takes its grant with it, so that none is counted twice", async () => {
    const world = await booted();
    world.clock.advance(GRANT_MS + 1);
    expect(await register(world)).toMatchObject({ type: "registered" });
    expect(await left(world)).toBe(LIMIT - 1);
    // It still counts when the grant of its start no longer would.
    world.clock.advance(REGISTRATIONS.spanMs);
    expect(await left(world)).toBe(LIMIT - 1);
  });

  test("waits when its own has passed and there is none, without a call to GitHub", async () => {
    const world = await booted();
    world.clock.advance(REGISTRATIONS.spanMs + REGISTRATIONS.bucketMs);
    await use(world, LIMIT);
    const answer = await register(world);
    expect(answer).toMatchObject({ type: "later", message: expect.stringContaining("used up") });
    expect(world.github.calls.jitConfig).toBe(0);
    world.clock.advance(answer.type === "later" ? answer.retryAfterMs : 0);
    expect(await register(world)).toMatchObject({ type: "registered" });
  });

  test("a limit that GitHub names keeps the next workers of its owner from starting", async () => {
    const world = await booted();
    world.github.fail("rate-limited", { method: "jitConfig", retryAfterMs: 90_000 });
    expect(await register(world)).toMatchObject({ type: "later", retryAfterMs: 90_000 });
    world.github.queue();
    await world.deliver();
    expect(world.pool.started).toHaveLength(1);
    world.github.fail(undefined, { method: "jitConfig" });
    world.clock.advance(90_000);
    await dispatchPool(world.deps, POOL);
    expect(world.pool.started).toHaveLength(2);
  });
});
