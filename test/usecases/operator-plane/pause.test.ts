// Pause and resume: whatever is paused, nothing of it starts, and everything else does.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JobId } from "../../../shared/domain/ids.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import type { JobHead, Stores } from "../../../shared/ports/store.ts";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import { dispatchPool } from "../../../shared/usecases/dispatch/dispatch-pool.ts";
import { readPauses } from "../../../shared/usecases/dispatch/pause-gate.ts";
import type { AskedPlace } from "../../../shared/usecases/operator-plane/find-places.ts";
import { resumePlace } from "../../../shared/usecases/operator-plane/pause-place.ts";
import { aJob, OWNER, POOL, TENANT } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import {
  A2,
  completed,
  GLOBEX,
  HOUR_MS,
  OTHER,
  operatorWorld,
  pause,
  queue,
  resume,
} from "./operator-world.ts";

const PLACES: readonly AskedPlace[] = [
  { pool: POOL },
  { tenant: OWNER.login },
  { tenant: GLOBEX.login },
  { endpoint: A2 },
  { endpoint: OTHER },
];

const jobs = fc.array(
  fc.record({ endpoint: fc.constantFrom(A2, OTHER), owner: fc.constantFrom(OWNER, GLOBEX) }),
  { minLength: 1, maxLength: 12 },
);

test("whatever is paused, nothing of it starts, everything else does; after resume all complete", async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray([...PLACES]), jobs, fc.boolean(), async (places, asked, isLate) => {
      const world = operatorWorld({ cards: 3 });
      // Tenants are known by name once something came from them.
      for (const owner of [OWNER, GLOBEX]) queue(world, OTHER, owner);
      await play(world, { forMs: HOUR_MS, until: isQuiet });
      const before = world.pool.started.length;
      for (const place of places) expect(await pause(world, place)).toMatchObject({ type: "done" });
      const words = asked.map(({ endpoint, owner }) => queue(world, endpoint, owner));
      if (isLate) world.stream = "lost";
      await play(world, { forMs: HOUR_MS / 4 });
      const named = new Set(places.flatMap((place): string[] => Object.values(place)));
      const isPaused = ({ endpoint, owner }: (typeof asked)[number]) =>
        [POOL, owner.login, endpoint].some((name) => named.has(name));
      const open = words.filter((_, index) => !isPaused(asked[index]!));
      expect(completed(world, words)).toEqual(completed(world, open));
      expect(completed(world, open)).toHaveLength(open.length);
      expect(world.pool.started).toHaveLength(before + open.length);
      for (const place of places) await resume(world, place);
      expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
      expect(world.pool.started).toHaveLength(before + words.length);
      expect([world.faults, world.pool.overbooked]).toEqual([[], []]);
    }),
    { numRuns: 25 },
  );
});

test("a job is told who paused what and why, and keeps its place", async () => {
  const world = operatorWorld({ cards: 1 });
  await pause(world, { pool: POOL });
  const [first, second] = [queue(world, A2), queue(world, A2)];
  await world.deliver();
  const { whyWaiting } = await explainJob(world.deps, await jobOf(world, second.workflowJobId), "Acme");
  expect(whyWaiting).toMatchObject({
    code: "pool-paused",
    message: expect.stringContaining('Pool "a2" is paused by the operator: driver upgrade.'),
    place: 2,
  });
  await resume(world, { pool: POOL });
  expect(world.pool.started.map(({ workerId }) => workerId)).toEqual([
    (await jobOf(world, first.workflowJobId)).workerId,
  ]);
});

test("jobs of a paused endpoint, however many, do not block the lane of their tenant", async () => {
  const world = operatorWorld({ cards: 2 });
  await pause(world, { endpoint: A2 });
  for (let n = 0; n < 150; n++) queue(world, A2);
  const other = queue(world, OTHER);
  await play(world, { forMs: HOUR_MS / 4 });
  expect(completed(world, [other])).toHaveLength(1);
  expect(world.pool.started).toHaveLength(1);
});

test("more of them than are ever read: it is said", async () => {
  const endless = (stores: Stores): Stores => ({
    ...stores,
    jobs: Object.assign(Object.create(stores.jobs), {
      heads: async (_lane: unknown, limit: number) =>
        Array.from({ length: limit }, (_, n): JobHead => ({ id: jobId(`gh-${n}`), cards: 1, order: `${n}` })),
      get: async (id: JobId) => aJob({ id }),
    }),
  });
  const world = operatorWorld({ wrapStores: endless });
  await world.stores.lanes.register({ pool: POOL, tenant: TENANT, login: OWNER.login });
  await pause(world, { endpoint: A2 });
  expect(await dispatchPool(world.deps, POOL)).toBe(0);
  expect(world.log.of("paused-jobs-in-the-way")[0]?.message).toContain("5000 jobs");
});

test("a pass reads the pauses once, and each job once while an endpoint is paused", async () => {
  const reads = { pauses: 0, jobs: 0 };
  const counted = (stores: Stores): Stores => ({
    ...stores,
    jobs: Object.assign(Object.create(stores.jobs), {
      get: (id: JobId) => {
        reads.jobs++;
        return stores.jobs.get(id);
      },
    }),
    marks: Object.assign(Object.create(stores.marks), {
      get: (kind: "pauses", id: string) => {
        if (kind === "pauses") reads.pauses++;
        return stores.marks.get(kind, id);
      },
    }),
  });
  const world = operatorWorld({ stream: "lost", wrapStores: counted });
  const words = Array.from({ length: 5 }, () => queue(world, A2));
  await world.deliver();
  await world.stores.lanes.register({ pool: POOL, tenant: TENANT, login: OWNER.login });
  const pass = async () => {
    Object.assign(reads, { pauses: 0, jobs: 0 });
    await dispatchPool(world.deps, POOL);
    return { ...reads };
  };
  await pause(world, { tenant: OWNER.login });
  expect(await pass()).toEqual({ pauses: 1, jobs: 0 });
  await pause(world, { endpoint: A2 });
  // Its own pass reads each job, once in the life of the process.
  await resume(world, { tenant: OWNER.login });
  expect(reads.jobs).toBe(words.length);
  expect(await pass()).toEqual({ pauses: 1, jobs: 0 });
  expect(world.pool.started).toEqual([]);
});

describe("orders", () => {
  test("an unknown name is refused, with the names that are known", async () => {
    const world = operatorWorld();
    queue(world, A2);
    await world.deliver();
    for (const [place, known] of [
      [{ pool: "a3" }, 'no pool "a3"; known are a2'],
      [{ endpoint: "linux-aarch64-a2-3" }, "known are linux-aarch64-a2-1,"],
      [{ tenant: "initech" }, 'no tenant "initech"; known are Acme'],
    ] as const) {
      expect(await pause(world, place)).toEqual({ type: "unknown", message: expect.stringContaining(known) });
    }
    expect((await readPauses(world.deps)).entries).toEqual({});
  });

  test("a pattern stands for its endpoints, a tenant's id for its login", async () => {
    const world = operatorWorld();
    queue(world, A2);
    await world.deliver();
    expect(await pause(world, { endpoint: "linux-aarch64-a2-{npus}" })).toMatchObject({ type: "done" });
    await pause(world, { tenant: TENANT });
    const keys = Object.keys((await readPauses(world.deps)).entries);
    expect(keys).toEqual(
      [1, 2, 4, 8].map((n) => `endpoint:linux-aarch64-a2-${n}`).concat(`tenant:${TENANT}`),
    );
    await resume(world, { tenant: OWNER.login.toUpperCase() });
    expect(Object.keys((await readPauses(world.deps)).entries)).toHaveLength(4);
  });

  test("are logged with who and why, and may be repeated", async () => {
    const world = operatorWorld();
    for (const _time of [1, 2]) await pause(world, { pool: POOL });
    expect(await resume(world, { pool: POOL })).toEqual({ type: "done", message: "pool a2 is resumed" });
    expect(await resume(world, { pool: POOL })).toMatchObject({
      message: expect.stringContaining("not paused"),
    });
    expect(world.log.of("operator-order").map(({ reason, message }) => [reason, message])).toEqual([
      ["paused", "paused by admin: driver upgrade"],
      ["paused", "paused by admin: driver upgrade"],
      ["resumed", "resumed by admin: driver upgrade"],
    ]);
  });

  test("what dispatch.yaml no longer has can be resumed", async () => {
    const world = operatorWorld();
    await pause(world, { endpoint: OTHER });
    const deps = { ...world.deps, catalogue: { templates: [], endpoints: [] } };
    expect(await resumePlace(deps, { endpoint: OTHER }, { reason: "x", by: "admin" })).toMatchObject({
      type: "done",
      message: `endpoint ${OTHER} is resumed`,
    });
  });

  test("two at once are both in force", async () => {
    const world = operatorWorld();
    await Promise.all([
      pause(world, { pool: POOL }),
      pause(world, { endpoint: A2 }),
      pause(world, { endpoint: OTHER }),
    ]);
    expect(Object.keys((await readPauses(world.deps)).entries)).toHaveLength(3);
  });

  test("a pool that is away does not undo a resume", async () => {
    const world = operatorWorld();
    await pause(world, { pool: POOL });
    queue(world, A2);
    await world.deliver();
    world.pool.disconnect();
    expect(await resume(world, { pool: POOL })).toMatchObject({ type: "done" });
    expect(world.log.of("dispatch-delayed")).toMatchObject([{ pool: POOL }]);
    world.pool.heal();
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  });
});
