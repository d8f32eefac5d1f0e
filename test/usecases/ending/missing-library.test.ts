// A container whose program lacks a shared library ends with 127 and says which one only in its log.
import { expect, test } from "vitest";
import { apiJobOf, programWorld, submit } from "../../fakes/api-world.ts";
import { jobOf } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";

const WORDS = "node: error while loading shared libraries: libstdc++.so.6: cannot open shared object file";

async function afterwards(world: World): Promise<void> {
  for (let n = 0; n < 5; n++) {
    world.clock.advance(30_000);
    await world.reconcile();
  }
  expect(world.faults).toEqual([]);
}

test.each([
  [WORDS, /exit code 127: it lacks the shared library libstdc\+\+\.so\.6; put it into the image, or mount/],
  ["sh: exec: line 1: /opt/worker: not found", /exit code 127 \(no such program\)/],
])("a worker of ours: %s", async (words, message) => {
  const world = createWorld();
  const { workflowJobId: id } = world.github.queue();
  await world.deliver();
  for (const { workerId } of world.pool.started) {
    world.pool.print(workerId, words);
    world.pool.exit(workerId, 127);
  }
  await world.reconcile();
  const { hold } = await jobOf(world, id);
  expect(hold?.message).toMatch(message);
});

test("a program: its job's error says so before its last lines", async () => {
  const world = programWorld();
  const job = await submit(world);
  await world.settle();
  const worker = world.workers.at(-1)!.id;
  world.pool.print(worker, WORDS);
  world.pool.exit(worker, 127);
  await afterwards(world);
  const ended = await apiJobOf(world, job);
  expect(ended.api.error).toMatch(/exit code 127.*lacks the shared library libstdc\+\+\.so\.6/s);
  expect(ended.api.error).toContain(WORDS);
});
