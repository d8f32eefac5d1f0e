// Where pods go on a cluster whose scheduler spreads them: what is kept for a large job stays free, small ones are packed.
import { expect, test } from "vitest";
import { AGING_MS } from "../../../shared/domain/deadlines.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { aReport, POOL } from "../../domain/builders.ts";
import { ACME, createWorld } from "../../fakes/world.ts";
import { CARD, openWorld, type PoolWorld, specOf } from "./pool-world.ts";

const ITS = { id: 99, owner: { id: 5000, login: "Beta", type: "Organization" as const }, name: "r" };

async function openNodes(...counts: readonly number[]): Promise<PoolWorld> {
  const nodes = counts.map((count, at) => ({ name: `node-${at + 1}`, cards: { [CARD]: String(count) } }));
  const world = await openWorld({}, { nodes });
  world.cluster.rules.spread = true;
  return world;
}

/** Of the pods that have a container, in the order of their starts. */
async function nodesOf({ runner, cluster }: PoolWorld, count: number): Promise<string[]> {
  await expect.poll(() => runner.containers.length, POLL).toBe(count);
  const pods = new Map(cluster.objects("Pod").map(({ metadata, spec }) => [metadata.uid, spec.nodeName]));
  return runner.containers.map(({ spec }) => pods.get(spec.uid));
}

test("two small ones are spread, unless both prefer one node; a full one is not waited for", async () => {
  await using world = await openNodes(2, 2, 2);
  const ids = [];
  for (const prefer of [undefined, undefined, "node-1", "node-1"]) {
    const spec = specOf({ ...(prefer && { prefer }) });
    await world.driver.start(spec);
    ids.push(spec.workerId);
    await nodesOf(world, ids.length);
  }
  expect(await nodesOf(world, 4)).toEqual(["node-1", "node-2", "node-1", "node-3"]);
});

test("a large job of Beta's starts while Acme's queue goes on: its small ones stay off the node that is kept", async () => {
  await using cluster = await openNodes(2, 2);
  const world = createWorld({ tenants: [ACME, { ...ACME, owner: "Beta" }] });
  const settings = world.deps.pools.get(POOL)!;
  const pools = new Map(world.deps.pools).set(POOL, { ...settings, driver: cluster.driver });
  Object.assign(world.deps, { pools });
  const small = () => world.github.queue();
  const later = async (ms: number) => {
    world.clock.advance(ms);
    cluster.turn(ms);
    await world.reconcile();
  };
  const end = async (at: number) => {
    cluster.runner.containers[at]?.exit(0, JSON.stringify({ output: aReport({ outcome: "ran" }) }));
    await expect.poll(() => cluster.driver.ended(), POLL).toHaveLength(1);
    await world.reconcile();
  };

  for (let n = 0; n < 4; n++) small();
  await world.deliver();
  const packed = await nodesOf(cluster, 4);
  expect(packed.filter((node) => node === "node-1")).toHaveLength(2);
  const [first, second] = packed.flatMap((node, at) => (node === "node-1" ? [at] : []));
  const other = packed.indexOf("node-2");
  world.github.queue({ repository: ITS, labels: ["linux-aarch64-a2-2"] });
  for (let n = 0; n < 3; n++) small();
  await world.deliver();
  await later(AGING_MS + 1_000);

  await end(first!);
  expect(cluster.runner.containers).toHaveLength(4);
  await end(other);
  expect((await nodesOf(cluster, 5))[4]).toBe("node-2");
  const kept = { key: "metadata.name", operator: "NotIn", values: ["node-1"] };
  const jobs = cluster.cluster.objects("Job").map(({ spec }) => spec.template.spec.affinity.nodeAffinity);
  expect(jobs.map((one) => one.requiredDuringSchedulingIgnoredDuringExecution)).toContainEqual({
    nodeSelectorTerms: [{ matchFields: [kept] }],
  });
  await end(second!);
  expect((await nodesOf(cluster, 6))[5]).toBe("node-1");
  const id = cluster.runner.containers[5]?.spec.env["RUNPOD_POD_ID"] as WorkerId;
  expect(await world.stores.workers.get(id)).toMatchObject({ tenant: "5000", cards: 2 });
});
