// A worker that has lost its record, but not its life, goes on and is known again.
import { describe, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { endpointName } from "../../../shared/domain/ids.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { aWorkerId, OWNER, POOL, REPOSITORY, TENANT } from "../../domain/builders.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import {
  apiJobOf,
  areOver,
  ENDPOINT_NAME,
  programWorld,
  runnerWorld,
  submit,
} from "../../fakes/api-world.ts";
import { isQuiet, jobOf, play, poolOf } from "../../fakes/play.ts";
import type { World, WorldOptions } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LISTENING = { phase: "listening", jobName: undefined } as const;

async function oneJob(steps: number, options: WorldOptions = {}) {
  const world = createWorld(options);
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  for (let n = 0; n < steps; n++) await world.step();
  return { world, id, first: world.pool.started[0]!.workerId };
}

function claimsOf(worker: WorkerId, endpoint = "linux-aarch64-a2-1") {
  return { worker, pool: POOL, endpoint: endpointName(endpoint), tenant: TENANT };
}

async function completes(world: World, id: number): Promise<void> {
  expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
  expect(world.pool.started).toHaveLength(1);
  expect(world.pool.overbooked).toEqual([]);
  expect(world.faults).toEqual([]);
}

describe("a worker without a record", () => {
  test("that listens is adopted, gets its job and ends with it", async () => {
    const { world, id, first } = await oneJob(4);
    world.loseRecord(first);
    await world.step();
    const worker = await world.stores.workers.get(first);
    expect(worker).toMatchObject({ state: "listening", jobId: `gh-${id}`, cards: 1, registered: true });
    expect(worker?.drain).toBeUndefined();
    expect(world.log.of("worker-adopted")).toHaveLength(1);
    await completes(world, id);
  });

  test("that runs is never disturbed", async () => {
    const { world, id, first } = await oneJob(4, { script: { jobMs: HOUR_MS } });
    world.github.assign(first, id);
    await world.deliver();
    await world.step();
    world.loseRecord(first);
    await play(world, { forMs: 30 * MINUTE_MS });
    expect(world.pool.running()).toEqual([first]);
    expect(await world.stores.workers.get(first)).toMatchObject({ state: "running" });
    await completes(world, id);
  });

  test("whose job was given to a waiting lane again is bound to it: no second worker starts", async () => {
    const { world, id, first } = await oneJob(4);
    world.loseRecord(first);
    const job = await jobOf(world, id);
    world.stream = "lost";
    await world.stores.jobs.replace({ ...job, version: job.version + 1, workerId: undefined });
    await world.step();
    world.stream = "in-order";
    expect((await jobOf(world, id)).workerId).toBe(first);
    await completes(world, id);
  });

  test("that runs another job than it was started for is paired by its hook's report, and asked about at its end", async () => {
    const world = createWorld({ cards: 2, script: { jobMs: 20 * MINUTE_MS } });
    const [a, b] = [world.github.queue(), world.github.queue()];
    await world.deliver();
    for (let n = 0; n < 4; n++) await world.step();
    const first = (await jobOf(world, a.workflowJobId)).workerId!;
    world.github.assign(first, b.workflowJobId);
    await world.deliver();
    await world.step();
    world.loseRecord(first);
    await world.step();
    expect(await world.stores.workers.get(first)).toMatchObject({ jobId: `gh-${a.workflowJobId}` });
    const started = {
      repository: `${OWNER.login}/${REPOSITORY.name}`,
      repositoryId: REPOSITORY.id,
      runId: b.runId,
      runAttempt: b.runAttempt,
      job: "build",
      workflowRef: "",
      event: "push",
    };
    const ping = { phase: "running", jobName: undefined, started } as const;
    for (let n = 0; n < 6; n++) {
      world.clock.advance(10_000);
      await recordPing(world.deps, first, ping, claimsOf(first));
    }
    expect(await world.stores.workers.get(first)).toMatchObject({ jobId: `gh-${b.workflowJobId}` });
    // Its end is never told, so that only its worker's end makes us ask.
    world.github.hook.emits = (word) => word.workflowJobId !== b.workflowJobId;
    expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
    expect((await jobOf(world, a.workflowJobId)).state).toBe("COMPLETED");
    expect((await jobOf(world, b.workflowJobId)).state).toBe("COMPLETED");
    expect(world.pool.started).toHaveLength(2);
  });

  test("whose ping names nobody's job is left to itself: GitHub's words end the job", async () => {
    const { world, id, first } = await oneJob(4);
    world.loseRecord(first);
    await recordPing(world.deps, first, { ...LISTENING, jobIds: ["gh-1"] }, claimsOf(first));
    expect((await world.stores.workers.get(first))?.jobId).toBe(`unknown-${first}`);
    await completes(world, id);
  });

  test("that has not registered is asked to end, and its job gets another", async () => {
    const { world, id, first } = await oneJob(1);
    world.loseRecord(first);
    await world.step();
    expect(await world.stores.workers.get(first)).toMatchObject({
      state: "booted",
      drain: { reason: "no-record" },
    });
    expect(await play(world, { forMs: 3 * HOUR_MS, until: isQuiet })).toBe(true);
    expect((await jobOf(world, id)).state).toBe("COMPLETED");
    expect(world.pool.overbooked).toEqual([]);
  });
});

describe("its cards", () => {
  test("stay held where the ledger still has them", async () => {
    const { world, first } = await oneJob(4);
    const before = (await poolOf(world))?.reservations[first];
    world.loseRecord(first);
    await world.step();
    expect((await poolOf(world))?.reservations[first]).toEqual(before);
  });

  test("are held anew where they were given back, and later where others hold them all", async () => {
    const { world, first } = await oneJob(4, { cards: 1, script: { jobMs: HOUR_MS } });
    const drop = async () => {
      const pool = (await poolOf(world))!;
      await world.stores.pools.replace({ ...pool, version: pool.version + 1, reservations: {} });
    };
    await drop();
    await world.reconcile();
    expect(Object.keys((await poolOf(world))!.reservations)).toEqual([first]);
    await drop();
    const pool = (await poolOf(world))!;
    expect((await world.stores.workers.get(first))?.slots).toEqual([0]);
    const taken = { other: { tenant: TENANT, cards: 1, slots: [0] } };
    world.loseRecord(first);
    await world.stores.pools.replace({ ...pool, version: pool.version + 1, reservations: taken });
    await world.step();
    expect(world.log.of("worker-adopted")[0]?.message).toContain("others hold its cards");
    // Nobody knows "other": its cards are given back, and these are the worker's.
    await world.reconcile();
    await world.reconcile();
    expect(Object.keys((await poolOf(world))!.reservations)).toEqual([first]);
    expect(usedCards((await poolOf(world))!)).toBe(1);
  });
});

describe("nobody is adopted", () => {
  test("whom another deployment started", async () => {
    const { world } = await oneJob(0);
    const id = aWorkerId("npud-0th3rs-worker0001");
    await recordPing(world.deps, id, LISTENING, claimsOf(id));
    expect(await world.stores.workers.get(id)).toBeUndefined();
  });

  test("whose container its pool does not run", async () => {
    const { world } = await oneJob(0);
    const id = aWorkerId("npud-t3st00-ghost000001");
    await recordPing(world.deps, id, LISTENING, claimsOf(id));
    expect(await world.stores.workers.get(id)).toBeUndefined();
  });

  test("whose endpoint is not in dispatch.yaml any more", async () => {
    const { world, first } = await oneJob(4);
    world.loseRecord(first);
    await recordPing(world.deps, first, LISTENING, claimsOf(first, "gone"));
    expect(await world.stores.workers.get(first)).toBeUndefined();
    expect(world.log.of("worker-not-adopted")).toHaveLength(1);
  });

  test("and who pings without its token's word", async () => {
    const { world, first } = await oneJob(4);
    world.loseRecord(first);
    await recordPing(world.deps, first, LISTENING);
    expect(await world.stores.workers.get(first)).toBeUndefined();
  });
});

test("a program that has its job returns its result", async () => {
  const world = programWorld({ script: { program: { jobMs: 10 * MINUTE_MS } } });
  const id = await submit(world);
  await world.settle();
  await play(world, { forMs: MINUTE_MS });
  const first = world.pool.started[0]!.workerId;
  world.loseRecord(first);
  const ping = { phase: undefined, jobName: undefined, jobIds: [id] };
  await recordPing(world.deps, first, ping, claimsOf(first, ENDPOINT_NAME));
  expect(await world.stores.workers.get(first)).toMatchObject({
    kind: "program",
    state: "running",
    lease: { jobId: id },
  });
  await play(world, { forMs: HOUR_MS, until: (one) => areOver(one, [id]) });
  expect((await apiJobOf(world, id)).state).toBe("COMPLETED");
});

test("a runner whose API job has ended meanwhile leaves no registration behind", async () => {
  // A just-in-time runner has nothing to remove its own registration with.
  const world = runnerWorld({ script: { registration: "jit" } });
  const id = await submit(world);
  await world.settle();
  for (let n = 0; n < 4; n++) await world.step();
  const first = world.pool.started[0]!.workerId;
  expect([...world.github.runners.keys()]).toEqual([first]);
  world.loseRecord(first);
  await cancelJob(world.deps, KEY_CALLER, ENDPOINT_NAME, id);
  const ping = { ...LISTENING, jobIds: [id] };
  await recordPing(world.deps, first, ping, claimsOf(first, ENDPOINT_NAME));
  expect(world.log.of("worker-adopted")).toHaveLength(1);
  expect(await play(world, { forMs: HOUR_MS, until: (one) => areOver(one, [id]) })).toBe(true);
});
