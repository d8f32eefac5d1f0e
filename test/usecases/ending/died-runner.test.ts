// A runner that died in the middle of a job: GitHub counts the job on it for a while, and its registration is looked
// after until it is gone.
import { expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { aReport, POOL } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LINE = "Exiting with unknown error code: 137";

async function atWork(): Promise<{ world: World; id: number; first: WorkerId }> {
  const world = createWorld({ script: { jobMs: 24 * HOUR_MS } });
  const { workflowJobId: id } = world.github.queue();
  await play(world, { forMs: 3 * MINUTE_MS });
  const first = world.pool.started[0]!.workerId;
  expect(world.github.runners.get(first)).toMatchObject({ job: id });
  return { world, id, first };
}

/** Its processes are gone; GitHub does not know yet. */
async function ends(
  world: World,
  first: WorkerId,
  report: Partial<ReturnType<typeof aReport>>,
): Promise<void> {
  world.github.runners.get(first)!.online = false;
  await finishWorker(world.deps, first, aReport(report));
  world.pool.exit(first, 85);
  await world.deliver();
}

/** GitHub has missed the runner for long enough. `left`: the registration stays, as that of an idle runner. */
function givesUp(world: World, id: number, first: WorkerId): void {
  world.github.change(id, { status: "completed", conclusion: "failure" });
  world.github.runners.get(first)!.job = undefined;
}

test("its cards are free at once, its registration is tried again ever more seldom, until GitHub lets it go", async () => {
  const { world, id, first } = await atWork();
  await ends(world, first, {
    outcome: "runner-died",
    message: `The runner died while it ran build: ${LINE}.`,
  });
  expect((await world.stores.pools.get(POOL))?.reservations).toEqual({});
  await play(world, { forMs: 6 * HOUR_MS });
  expect(world.github.runners.has(first)).toBe(true);
  expect((await jobOf(world, id)).state).toBe("IN_PROGRESS");
  // Once a minute would be 360.
  expect(world.github.calls.deleteRunner).toBeGreaterThan(20);
  expect(world.github.calls.deleteRunner).toBeLessThan(60);
  givesUp(world, id, first);
  expect(await play(world, { forMs: 15 * MINUTE_MS, until: isQuiet })).toBe(true);
  expect((await jobOf(world, id)).end).toMatchObject({
    reason: "runner-died",
    message: `GitHub: failure on ${first}; by its worker: The runner died while it ran build: ${LINE}`,
  });
});

// A job that used up its processes: the runner said Failed, and could not tell GitHub.
test("a result that GitHub was never told: the registration goes when GitHub has given up the job", async () => {
  const { world, id, first } = await atWork();
  await ends(world, first, { outcome: "ran", result: "Failed" });
  await play(world, { forMs: 30 * MINUTE_MS });
  expect(world.github.runners.has(first)).toBe(true);
  givesUp(world, id, first);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
});

test("one that died while it listened is no sign that GitHub holds the job back: it starts again soon, with the reason", async () => {
  const world = createWorld({ script: { jobMs: MINUTE_MS } });
  const { workflowJobId: id } = world.github.queue();
  await play(world, {
    forMs: 5 * MINUTE_MS,
    assign: () => {},
    until: async () => (await world.stores.workers.live(POOL))[0]?.state === "listening",
  });
  const first = world.pool.started[0]!.workerId;
  world.github.runners.get(first)!.online = false;
  await ends(world, first, {
    outcome: "runner-died",
    jobName: undefined,
    message: `The runner died while it listened: ${LINE}.`,
  });
  const hold = (await jobOf(world, id)).hold;
  expect(hold).toMatchObject({ reason: "start-backoff", message: expect.stringContaining(LINE) });
  expect(world.github.runners.has(first)).toBe(false);
  expect(await play(world, { forMs: HOUR_MS, until: isQuiet })).toBe(true);
  expect(await jobOf(world, id)).toMatchObject({ state: "COMPLETED", starts: 2 });
});
