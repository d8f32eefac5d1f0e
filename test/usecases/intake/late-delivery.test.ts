// A `queued` of long ago, signed and true once: GitHub is asked before it holds cards, once, and what has ended starts nothing.
import { describe, expect, test } from "vitest";
import { LATE_WORD_MS } from "../../../shared/domain/deadlines.ts";
import { receiveDelivery } from "../../../shared/usecases/intake/receive-delivery.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import { createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Its only delivery comes this much later. */
function late(ageMs: number) {
  const world = createWorld();
  const word = world.github.queue();
  world.github.takeOutbox();
  world.clock.advance(ageMs);
  return { world, word, id: word.workflowJobId };
}

test.each(["success", "cancelled"])("one of a job that ended with %s starts nothing", async (conclusion) => {
  const { world, word, id } = late(HOUR_MS);
  world.github.complete(id, conclusion);
  world.github.takeOutbox();
  await receiveDelivery(world.deps, word);
  expect((await jobOf(world, id)).hold).toMatchObject({ reason: "late-delivery" });
  await play(world, { forMs: 10 * MINUTE_MS });
  expect(world.pool.started).toEqual([]);
  expect(world.github.calls.workflowJob).toBe(1);
  expect((await jobOf(world, id)).end).toMatchObject({ message: expect.stringContaining(conclusion) });
});

test("one of a job that GitHub does not know any more starts nothing", async () => {
  const { world, word } = late(30 * 24 * HOUR_MS);
  const unknown = { ...word, workflowJobId: 1 };
  await receiveDelivery(world.deps, unknown);
  await play(world, { forMs: 10 * MINUTE_MS });
  expect(world.pool.started).toEqual([]);
  expect((await jobOf(world, 1)).hold).toMatchObject({ reason: "unknown-to-github" });
});

test("one of a job that still waits starts it at once, for one call", async () => {
  const { world, word, id } = late(HOUR_MS);
  await receiveDelivery(world.deps, word);
  await play(world, { forMs: MINUTE_MS });
  expect(world.pool.started).toHaveLength(1);
  expect(world.github.calls.workflowJob).toBe(1);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
});

test("while GitHub cannot be asked it waits; then it goes on", async () => {
  const { world, word, id } = late(HOUR_MS);
  world.github.fail("unavailable", { method: "workflowJob" });
  await receiveDelivery(world.deps, word);
  await play(world, { forMs: 5 * MINUTE_MS });
  expect(world.pool.started).toEqual([]);
  expect(world.github.calls.workflowJob).toBeLessThanOrEqual(6);
  world.github.fail(undefined, { method: "workflowJob" });
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).state).toBe("COMPLETED");
});

describe("nobody is asked", () => {
  test("about a delivery in time", async () => {
    const { world, word } = late(LATE_WORD_MS - 1);
    expect(await receiveDelivery(world.deps, word)).toMatchObject({ job: { hold: undefined } });
  });

  test("about what GitHub has just said itself", async () => {
    const { world, word } = late(HOUR_MS);
    expect(await receiveDelivery(world.deps, word, { isAnswer: true })).toMatchObject({
      job: { hold: undefined },
    });
  });

  test("about a delivery that is made again while its job is known, and it changes nothing", async () => {
    const { world, word, id } = late(MINUTE_MS);
    await receiveDelivery(world.deps, word);
    expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
    const [starts, calls] = [world.pool.started.length, world.github.calls.workflowJob];
    expect(await receiveDelivery(world.deps, word)).toMatchObject({ type: "unchanged" });
    await play(world, { forMs: 10 * MINUTE_MS });
    expect(world.pool.started).toHaveLength(starts);
    expect(world.github.calls.workflowJob).toBe(calls);
    expect((await jobOf(world, id)).state).toBe("COMPLETED");
  });
});
