// A card of a node fails, from the worker's report to the pod that lands elsewhere: the use cases over the stand-in.
import { afterEach, describe, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { Pool } from "../../../shared/domain/pool/pool.ts";
import { explainJob } from "../../../shared/usecases/client-plane/explain-job.ts";
import { quarantineCard } from "../../../shared/usecases/operator-plane/quarantine-card.ts";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { aReport, POOL } from "../../domain/builders.ts";
import type { ScriptedContainer } from "../../fakes/kubernetes/scripted-runner.ts";
import { jobOf, poolOf } from "../../fakes/play.ts";
import { createWorld, type World } from "../../fakes/world.ts";
import { CARD, openWorld, type PoolWorld } from "./pool-world.ts";

const MINUTE_MS = 60_000;

type Bench = { readonly world: World; readonly cluster: PoolWorld };
let bench: Bench;
afterEach(() => bench.cluster[Symbol.asyncDispose]());

async function open(cards: readonly number[]): Promise<void> {
  const nodes = cards.map((count, at) => ({ name: `node-${at + 1}`, cards: { [CARD]: String(count) } }));
  const cluster = await openWorld({}, { nodes });
  const world = createWorld();
  const settings = world.deps.pools.get(POOL);
  if (settings === undefined) throw new Error("the world has a pool");
  const pools = new Map(world.deps.pools).set(POOL, { ...settings, driver: cluster.driver });
  Object.assign(world.deps, { pools });
  bench = { world, cluster };
}

/** The next container to run, once it does. */
async function nextContainer(count: number): Promise<ScriptedContainer & { readonly node: string }> {
  const { runner, cluster } = bench.cluster;
  await expect.poll(() => runner.containers.length, POLL).toBe(count);
  const container = runner.containers[count - 1]!;
  const pod = cluster.objects("Pod").find(({ metadata }) => metadata.uid === container.spec.uid);
  return { ...container, node: pod?.spec.nodeName };
}

/** Its worker leaves this with the pool, and everything that follows from it is done. */
async function failPreflight(container: ScriptedContainer, badCards?: readonly string[]): Promise<void> {
  const { world, cluster } = bench;
  const report = aReport({ outcome: "preflight-failed", message: "E_HEALTH: Alarm", badCards });
  container.exit(94, JSON.stringify({ error: report.message, output: report }));
  await expect.poll(() => cluster.driver.ended(), POLL).toHaveLength(1);
  await world.reconcile();
  await expect.poll(() => cluster.driver.list(), POLL).toEqual([]);
}

async function troubleOf(): Promise<Pool["trouble"]> {
  return (await poolOf(bench.world))?.trouble;
}

/** The job's back-off passes. Capacity is counted every 10 s of the cluster's clock. */
async function laterOn(): Promise<void> {
  bench.world.clock.advance(MINUTE_MS);
  bench.cluster.turn(MINUTE_MS);
  await bench.world.reconcile();
}

async function queueJob(): Promise<number> {
  const { workflowJobId } = bench.world.github.queue();
  await bench.world.deliver();
  return workflowJobId;
}

describe("a card that fails a preflight", () => {
  test("is known by its node, and the job's next worker lands on another node", async () => {
    await open([2, 2]);
    const id = await queueJob();
    const first = await nextContainer(1);
    await failPreflight(first, ["0"]);
    expect(first.node).toBe("node-1");
    expect(await troubleOf()).toMatchObject({ "node-1/0": { strikes: 1, reason: "E_HEALTH: Alarm" } });
    expect(await jobOf(bench.world, id)).toMatchObject({
      failedOn: ["node-1"],
      hold: { reason: "start-backoff" },
    });
    await laterOn();
    expect((await nextContainer(2)).node).toBe("node-2");
    const [job] = bench.cluster.cluster.objects("Job");
    expect(job?.spec.template.spec.affinity.nodeAffinity).toMatchObject({
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchFields: [{ key: "metadata.name", operator: "NotIn", values: ["node-1"] }] },
        ],
      },
    });
  });

  test("of the only node: the next worker goes there again, and after two strikes no more", async () => {
    await open([1]);
    const id = await queueJob();
    await failPreflight(await nextContainer(1));
    await laterOn();
    expect((await nextContainer(2)).node).toBe("node-1");
    await failPreflight(await nextContainer(2));
    expect(await troubleOf()).toMatchObject({ "node-1/0": { strikes: 2, until: expect.any(Number) } });
    await laterOn();
    await laterOn();
    // Its one card is in quarantine: nothing is asked of the cluster.
    expect(bench.cluster.cluster.objects("Job")).toEqual([]);
    expect(bench.cluster.runner.containers).toHaveLength(2);
    const { whyWaiting } = await explainJob(bench.world.deps, await jobOf(bench.world, id), "Acme");
    expect(whyWaiting).toMatchObject({ code: "larger-than-pool", cards: { free: 0 } });
    const order = { pool: POOL, card: "node-1/0", reason: "card replaced", by: "admin" };
    expect(await quarantineCard(bench.world.deps, { ...order, action: "lift" })).toMatchObject({
      type: "done",
      message: `card node-1/0 of pool ${POOL} is in use again`,
    });
    await laterOn();
    await nextContainer(3);
  });

  test("keeps other jobs off its node while there is room elsewhere, and a job that runs there clears it", async () => {
    await open([1, 1]);
    await queueJob();
    await failPreflight(await nextContainer(1), ["0"]);
    bench.world.github.queue();
    await bench.world.deliver();
    // Of another job: rather not node-1, the first that has room.
    const other = await nextContainer(2);
    expect(other.node).toBe("node-2");
    await laterOn();
    const again = await nextContainer(3);
    // node-2 is full by now: the node that failed is the only one with room.
    expect(again.node).toBe("node-1");
    again.exit(0, JSON.stringify({ output: aReport({ outcome: "ran" }) }));
    await expect.poll(() => bench.cluster.driver.ended(), POLL).toHaveLength(1);
    await bench.world.reconcile();
    expect(await troubleOf()).toEqual({});
  });
});

test("a worker that ended without its container is judged by nothing", async () => {
  await open([1]);
  await queueJob();
  const container = await nextContainer(1);
  const worker = container.spec.env["RUNPOD_POD_ID"] as WorkerId;
  const { world, cluster } = bench;
  expect((await world.stores.workers.get(worker))?.state).toBe("starting");
  container.exit(94);
  await expect.poll(() => cluster.driver.ended(), POLL).toHaveLength(1);
  await world.reconcile();
  expect(await troubleOf()).toBeUndefined();
});
