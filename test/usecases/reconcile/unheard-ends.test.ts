// A workflow job of which nothing more is heard is asked about all the same: no open one is left without a time for that.
import { expect, test } from "vitest";
import { tenantId } from "../../../shared/domain/ids.ts";
import { isTerminal, jobDueAt } from "../../../shared/domain/job/job.ts";
import { OWNER } from "../../domain/builders.ts";
import { isQuiet, jobOf, play } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { ACME, createWorld } from "../../fakes/world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Of two cards, and its owner may have one: nothing can start it. */
async function beyondQuota(): Promise<{ world: World; id: number }> {
  const world = createWorld({ tenants: [{ ...ACME, maxCards: 1 }] });
  const id = world.github.queue({ labels: ["linux-aarch64-a2-2"] }).workflowJobId;
  await play(world, { forMs: 5 * MINUTE_MS });
  expect(await jobOf(world, id)).toMatchObject({ state: "IN_QUEUE", starts: 0 });
  return { world, id };
}

async function passesFor(world: World, ms: number): Promise<void> {
  const until = world.now() + ms;
  while (world.now() < until) {
    world.clock.advance(10 * MINUTE_MS);
    await world.reconcile();
  }
}

test("a job beyond its quota that was cancelled unheard ends here after a day, for one question", async () => {
  const { world, id } = await beyondQuota();
  world.github.change(id, { status: "completed", conclusion: "cancelled" });
  world.github.takeOutbox();
  await passesFor(world, 24 * HOUR_MS);
  expect(await jobOf(world, id)).toMatchObject({ state: "IN_QUEUE" });
  expect(world.github.calls.workflowJob).toBe(0);
  await passesFor(world, 2 * HOUR_MS);
  expect(await jobOf(world, id)).toMatchObject({ state: "CANCELLED" });
  expect(world.github.calls.workflowJob).toBe(1);
});

test("one that GitHub still queues keeps its place, and costs one question a day", async () => {
  const { world, id } = await beyondQuota();
  const { queuedAt } = await jobOf(world, id);
  await passesFor(world, 72 * HOUR_MS);
  expect(await jobOf(world, id)).toMatchObject({ state: "IN_QUEUE", queuedAt });
  expect(world.github.calls.workflowJob).toBe(2);
});

test("a job whose worker has lost its record and ended before it had any is asked about half an hour after its start", async () => {
  const world = createWorld({ script: { jobMs: HOUR_MS } });
  const id = world.github.queue().workflowJobId;
  await world.deliver();
  const worker = (await jobOf(world, id)).workerId;
  if (worker === undefined) throw new Error("no worker was started");
  world.loseRecord(worker);
  world.pool.crash(worker);
  world.github.change(id, { status: "completed", conclusion: "cancelled" });
  world.github.takeOutbox();
  await passesFor(world, 20 * MINUTE_MS);
  expect(await jobOf(world, id)).toMatchObject({ state: "IN_QUEUE", workerId: worker });
  await passesFor(world, 20 * MINUTE_MS);
  expect(await jobOf(world, id)).toMatchObject({ state: "CANCELLED" });
});

test("at each step of a job's way there is a time for the next look at it", async () => {
  const world = createWorld({ script: { jobMs: 5 * MINUTE_MS } });
  const id = world.github.queue().workflowJobId;
  const undue: string[] = [];
  await play(world, {
    forMs: HOUR_MS,
    until: isQuiet,
    async eachStep() {
      const job = await jobOf(world, id);
      if (!isTerminal(job) && jobDueAt(job) === undefined) undue.push(`${job.state} v${job.version}`);
    },
  });
  expect(undue).toEqual([]);
  expect(await jobOf(world, id)).toMatchObject({ state: "COMPLETED", tenant: tenantId(OWNER.id) });
});
