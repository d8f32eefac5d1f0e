// A worker that has no answer asks for its registration again: of its questions only the last one counts, whichever comes
// first.
import { expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

async function taken() {
  const world = createWorld();
  world.github.queue();
  await world.deliver();
  const worker = world.pool.started[0]?.workerId as WorkerId;
  await takeJob(world.deps, worker, "b");
  const ask = (number: number | undefined, deps = world.deps) =>
    registerRunner(deps, worker, "b", "jit", number);
  return { world, worker, ask };
}

/** The second question is asked and answered while the first is on its way to GitHub. */
async function overtaken(numbers: readonly [number | undefined, number | undefined]) {
  const { world, worker, ask } = await taken();
  const { jitConfig } = world.deps.github;
  let second: Awaited<ReturnType<typeof ask>> | undefined;
  const slow: World["deps"]["github"] = {
    ...world.deps.github,
    async jitConfig(...call) {
      second ??= await ask(numbers[1]);
      return jitConfig(...call);
    },
  };
  const first = await ask(numbers[0], { ...world.deps, github: slow });
  return { world, worker, first, second };
}

test.each([
  ["counted", [1, 2]],
  ["not counted by an older worker", [undefined, undefined]],
] as const)("the registration of the second question stays: %s", async (_which, numbers) => {
  const { world, worker, first, second } = await overtaken(numbers);
  const id = world.github.runners.get(worker)?.id;
  const answer = { type: "jit", encodedJitConfig: `jit-${id}-${worker}` };
  expect(second).toEqual({ type: "registered", answer });
  expect(first).toMatchObject({ type: "later" });
  expect((await world.stores.workers.get(worker))?.runnerId).toBe(id);
});

test("a question that comes after a later one is not answered", async () => {
  const { world, worker, ask } = await taken();
  expect(await ask(2)).toMatchObject({ type: "registered" });
  const id = world.github.runners.get(worker)?.id;
  expect(await ask(1)).toMatchObject({ type: "later" });
  expect(await ask(2)).toMatchObject({ type: "later" });
  expect(world.github.runners.get(worker)?.id).toBe(id);
  expect(await ask(3)).toMatchObject({ type: "registered" });
});
