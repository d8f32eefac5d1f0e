// The node that a choice has counted a worker's cards on, and the one that it keeps: from the choice to the pool's start.
import { expect, test } from "vitest";
import { newWorkerId } from "../../../shared/domain/ids.ts";
import { claim } from "../../../shared/domain/job/job-steps.ts";
import { newWorker } from "../../../shared/domain/worker/worker-steps.ts";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import { dispatchPool } from "../../../shared/usecases/dispatch/dispatch-pool.ts";
import { resumeStart } from "../../../shared/usecases/dispatch/start-worker.ts";
import { replaceSeen } from "../../../shared/usecases/update.ts";
import { anEndpoint, POOL } from "../../domain/builders.ts";
import { jobOf } from "../../fakes/play.ts";
import type { World } from "../../fakes/world.ts";
import { createWorld } from "../../fakes/world.ts";

const NODES = [
  { name: "node-1", total: 8, free: 8 },
  { name: "node-2", total: 8, free: 3 },
];

/** Every start that is asked of a pool with these nodes is kept here, and refused for now. */
function withNodes(world: World): StartSpec[] {
  const asked: StartSpec[] = [];
  const settings = world.deps.pools.get(POOL)!;
  const driver = {
    ...settings.driver,
    capabilities: { idempotentStart: true, namedCards: false, nodes: true },
    capacity: async () => ({ total: 16, simulated: true, nodes: NODES }),
    start: async (spec: StartSpec) => {
      asked.push(spec);
      return { type: "unavailable" as const, message: "not now", retryAfterMs: undefined };
    },
  };
  const pools = new Map(world.deps.pools).set(POOL, { ...settings, driver });
  Object.assign(world.deps, { pools });
  return asked;
}

test("a job's worker is started where it fills a node best", async () => {
  const world = createWorld();
  const asked = withNodes(world);
  world.github.queue();
  await world.deliver();
  await dispatchPool(world.deps, POOL);
  expect(asked).toMatchObject([{ cards: 1, prefer: "node-2" }]);
  expect(asked[0]).not.toHaveProperty("avoid");
});

test("a start that a crash cut off says the same when it is taken up: its worker has kept the plan", async () => {
  const world = createWorld();
  world.pool.unavailable("not yet");
  const { workflowJobId } = world.github.queue();
  await world.deliver();
  const asked = withNodes(world);
  const waiting = await jobOf(world, workflowJobId);
  const scope = { type: "organization", org: "Acme" } as const;
  const plan = { node: "node-2", kept: "node-1" };
  const about = { job: waiting, endpoint: anEndpoint(), slots: [], plan, scope, now: world.now() };
  const worker = newWorker(newWorkerId("t3st00", "reserved0001"), about);
  await world.stores.workers.create(worker);
  await replaceSeen(world.stores.jobs, waiting, claim(waiting, worker.id, world.now()));

  const stored = await world.stores.workers.get(worker.id);
  await resumeStart(world.deps, stored!);
  expect(asked).toMatchObject([{ prefer: "node-2", avoid: { never: ["node-1"], rather: [] } }]);
});
