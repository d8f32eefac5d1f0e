// What the reconciler does for API jobs: time that is over, and callbacks.
import { describe, expect, test } from "vitest";
import type { CallbackOutcome } from "../../../shared/ports/callback-sender.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { reconcile } from "../../../shared/usecases/reconcile/reconcile.ts";
import { updateJob, updateWorker } from "../../../shared/usecases/update.ts";
import { KEY_CALLER } from "../../domain/job/api-builders.ts";
import { aCall, createApiWorld, ECHO, end, jobOf, RUNNER, run, start } from "./api-world.ts";

const TTL = { policy: { ttl: 20_000, executionTimeout: 10_000 } };
const URL = "https://example.org/hook";

function call(body: object) {
  return aCall({}, { body: { input: {}, ...body } });
}

describe("time", () => {
  test("a queued job ends at its ttl, and is counted as failed", async () => {
    const world = createApiWorld({ cards: 0 });
    const { id } = await run(world, call(TTL));
    world.clock.advance(19_999);
    await world.reconcile();
    expect((await jobOf(world, id)).state).toBe("IN_QUEUE");
    world.clock.advance(1);
    await world.reconcile();
    const job = await jobOf(world, id);
    expect(job).toMatchObject({ state: "TIMED_OUT", end: { reason: "queue-timeout" } });
    expect(job.end?.message).toContain("20000 ms");
    expect(await world.apiStores.counts.get(ECHO as never)).toMatchObject({ failed: 1 });
    expect(world.faults).toEqual([]);
  });

  test("a job in progress ends at its execution limit, from the take on", async () => {
    const world = createApiWorld({ cards: 0 });
    const { id } = await run(world, call({ policy: { ttl: 60_000, executionTimeout: 10_000 } }));
    world.clock.advance(30_000);
    await start(world, id);
    world.clock.advance(9_999);
    await world.reconcile();
    expect((await jobOf(world, id)).state).toBe("IN_PROGRESS");
    world.clock.advance(1);
    await world.reconcile();
    expect(await jobOf(world, id)).toMatchObject({
      state: "TIMED_OUT",
      end: { reason: "execution-timeout" },
    });
  });

  test("a program's ttl ends it while it runs", async () => {
    const world = createApiWorld({ cards: 0 });
    const { id } = await run(world, call({ policy: { ttl: 20_000 } }));
    await start(world, id);
    world.clock.advance(20_000);
    await world.reconcile();
    expect(await jobOf(world, id)).toMatchObject({
      state: "TIMED_OUT",
      end: { reason: "ttl-expired", message: expect.stringContaining("ttl of 20000 ms") },
    });
  });

  test.each([
    ["was picked up lives on", true, "IN_PROGRESS"],
    ["was never picked up ends", false, "TIMED_OUT"],
  ] as const)("a runner's job that %s at its ttl", async (_name, pickedUp, state) => {
    const world = createApiWorld();
    const { id } = await run(world, call({ policy: { ttl: 20_000 } }), { endpoint: RUNNER });
    await world.settle();
    await start(world, id);
    const { workerId } = await jobOf(world, id);
    await updateWorker(world.stores.workers, workerId!, (worker) => ({
      ...worker,
      version: worker.version + 1,
      phases: pickedUp ? { running: world.now() } : {},
    }));
    world.clock.advance(20_000);
    await world.reconcile();
    const job = await jobOf(world, id);
    expect(job.state).toBe(state);
    // Known from now on: it is not looked at again for its ttl.
    expect(job.phases.running !== undefined).toBe(pickedUp);
  });

  test("a retry has its time anew", async () => {
    const world = createApiWorld({ cards: 0 });
    const { id } = await run(world, call(TTL));
    world.clock.advance(20_000);
    await world.reconcile();
    await retryJob(world.deps, KEY_CALLER, ECHO, id);
    world.clock.advance(19_999);
    await world.reconcile();
    expect((await jobOf(world, id)).state).toBe("IN_QUEUE");
  });

  test("an old look at GitHub that nobody waits for is forgotten", async () => {
    const world = createApiWorld({ cards: 0 });
    const { id } = await run(world);
    await updateJob(world.stores.jobs, id, (job) => ({
      ...job,
      version: job.version + 1,
      verifyAt: world.now(),
    }));
    await world.reconcile();
    expect((await jobOf(world, id)).verifyAt).toBeUndefined();
  });
});

describe("callback", () => {
  function receiver(outcomes: readonly CallbackOutcome["type"][]) {
    const bodies: Record<string, unknown>[] = [];
    const callbacks = {
      refusal: () => undefined,
      async send(url: string, body: string): Promise<CallbackOutcome> {
        expect(url).toBe(URL);
        bodies.push(JSON.parse(body));
        const type = outcomes[bodies.length - 1] ?? "failed";
        return type === "delivered" ? { type } : { type, message: "it answered 500, not 200" };
      },
    };
    return { bodies, callbacks };
  }

  async function endedJob(callbacks: ReturnType<typeof receiver>["callbacks"]) {
    const world = createApiWorld({ cards: 0, api: { callbacks } });
    const { id } = await run(world, call({ webhook: URL }));
    await reconcile(world.deps);
    await start(world, id);
    await end(world, id);
    return { world, id };
  }

  test("one POST of the status at the end, and no other once it is delivered", async () => {
    const { bodies, callbacks } = receiver(["delivered"]);
    const { world, id } = await endedJob(callbacks);
    for (let pass = 0; pass < 3; pass++) {
      await reconcile(world.deps);
      world.clock.advance(30_000);
    }
    const why = { endReason: "worker-failed", endClass: "user" };
    expect(bodies).toEqual([
      { id, status: "FAILED", delayTime: 0, executionTime: 0, error: "raised", ...why },
    ]);
    expect((await jobOf(world, id)).api?.callback).toEqual({ url: URL, tries: 1, dueAt: undefined });
    expect(world.log.of("callback-delivered")).toHaveLength(1);
  });

  test("two more tries, 10 s apart, then none", async () => {
    const { bodies, callbacks } = receiver([]);
    const { world, id } = await endedJob(callbacks);
    const tries: number[] = [];
    for (let second = 0; second < 60; second++) {
      await reconcile(world.deps);
      tries.push(bodies.length);
      world.clock.advance(1_000);
    }
    expect([tries[0], tries[9], tries[10], tries[19], tries[20], tries[59]]).toEqual([1, 1, 2, 2, 3, 3]);
    expect((await jobOf(world, id)).api?.callback).toEqual({ url: URL, tries: 3, dueAt: undefined });
    expect(world.log.of("callback-given-up")).toHaveLength(1);
  });

  test("two passes side by side make one try", async () => {
    const { bodies, callbacks } = receiver(["delivered"]);
    const { world } = await endedJob(callbacks);
    await Promise.all([reconcile(world.deps), reconcile(world.deps)]);
    expect(bodies).toHaveLength(1);
  });

  test("is never made for a job that was tried again in the meantime", async () => {
    const { bodies, callbacks } = receiver([]);
    const { world, id } = await endedJob(callbacks);
    await retryJob(world.deps, KEY_CALLER, ECHO, id);
    await reconcile(world.deps);
    expect(bodies).toEqual([]);
  });

  test("without a sender is given up, with a word", async () => {
    const world = createApiWorld({ cards: 0 });
    const { id } = await run(world, call({ webhook: URL }));
    await end(world, id);
    for (let pass = 0; pass < 3; pass++) {
      await world.reconcile();
      world.clock.advance(30_000);
    }
    expect((await jobOf(world, id)).api?.callback).toEqual({ url: URL, tries: 3 });
    expect(world.log.of("callback-given-up")).toHaveLength(1);
  });
});
