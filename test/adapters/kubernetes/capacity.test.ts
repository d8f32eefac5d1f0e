// Cards of a pool: what ready, matching nodes have, less what others hold; and what is said when they cannot be counted.
import type { V1Node, V1Pod } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { createCapacity } from "../../../shared/adapters/pools/kubernetes/pool-capacity.ts";
import { freeCards, newPool, reserve } from "../../../shared/domain/pool/pool.ts";
import { NAMESPACE, settingsOf } from "../../contract/kubernetes-pool-under-test.ts";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { POOL, T0, TENANT, WORKER_ID } from "../../domain/builders.ts";
import { createCollectingLog } from "../../fakes/collecting-log.ts";
import { CARD, openWorld, specOf } from "./pool-world.ts";

const A2 = { accelerator: "huawei-Ascend910" };
const TAINT = { key: "npu", value: "ci", effect: "NoSchedule" };

const NODES = [
  { name: "node-1", cards: { [CARD]: "8" }, labels: A2 },
  { name: "node-2", cards: { [CARD]: "8" }, labels: A2, taints: [TAINT] },
  { name: "node-3", cards: { [CARD]: "4" } },
  { name: "node-4", labels: A2 },
];

test.each([
  ["all nodes without taints", {}, ["node-1", "node-3"], 12],
  ["those with its labels", { nodeSelector: A2 }, ["node-1"], 8],
  [
    "tainted ones that it tolerates",
    { tolerations: [{ key: "npu", value: "ci" }] },
    ["node-1", "node-2", "node-3"],
    20,
  ],
  ["any taint", { tolerations: [{ operator: "Exists" as const }] }, ["node-1", "node-2", "node-3"], 20],
  [
    "another effect",
    { tolerations: [{ key: "npu", value: "ci", effect: "NoExecute" as const }] },
    ["node-1", "node-3"],
    12,
  ],
  ["a bound in the configuration", { cards: 10 }, ["node-1", "node-3"], 10],
  ["two units to a card", { resource: { name: CARD, units: 4 } }, ["node-1", "node-3"], 3],
])("%s", async (_name, settings, names, total) => {
  await using world = await openWorld(settings, { nodes: NODES });
  const capacity = await world.driver.capacity();
  expect(capacity).toMatchObject({ total, simulated: false });
  expect(capacity.nodes?.map(({ name }) => name)).toEqual(names);
});

test("its own workers use cards, others take them away, a lost node has those of its own workers only", async () => {
  await using world = await openWorld({}, { nodes: NODES });
  await world.driver.start(specOf({ cards: 3 }));
  const container = {
    name: "x",
    image: "y",
    resources: { requests: { [CARD]: "2" }, limits: { [CARD]: "2" } },
  };
  const foreign = {
    metadata: { name: "theirs" },
    spec: { nodeName: "node-1", containers: [container] },
    status: { phase: "Running" },
  };
  world.cluster.put("Pod", NAMESPACE, foreign);
  await expect.poll(() => world.runner.containers.length, POLL).toBeGreaterThan(0);
  expect((await world.driver.capacity()).nodes).toEqual([
    { name: "node-1", total: 6, free: 3 },
    { name: "node-3", total: 4, free: 4 },
  ]);
  world.cluster.loseNode("node-1");
  world.turn(11_000);
  expect(await world.driver.capacity()).toEqual({
    total: 7,
    simulated: false,
    nodes: [
      { name: "node-1", total: 3, free: 0 },
      { name: "node-3", total: 4, free: 4 },
    ],
    resting: [{ name: "node-1", cards: 8 }],
  });
});

test("a cordoned node keeps what its workers hold, as the ledger does: the other's cards stay free", async () => {
  await using world = await openWorld({}, { nodes: [NODES[0]!, NODES[2]!] });
  await world.driver.start(specOf({ cards: 8 }));
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  const [node] = world.cluster.objects("Node").filter(({ metadata }) => metadata.name === "node-1");
  node!.spec.unschedulable = true;
  const { total, nodes } = await world.driver.capacity();
  expect(nodes).toEqual([
    { name: "node-1", total: 8, free: 0 },
    { name: "node-3", total: 4, free: 4 },
  ]);
  const held = { tenant: TENANT, cards: 8, slots: [] };
  expect(freeCards(reserve(newPool(POOL, total), WORKER_ID, held, T0))).toBe(4);
});

test("nodes that take nothing now are told with all their cards: cordoned, not ready, tainted by Kubernetes", async () => {
  const nodes = [1, 2, 3, 4, 5].map((n) => ({ name: `node-${n}`, cards: { [CARD]: "8" }, labels: A2 }));
  const foreign = { name: "theirs", cards: { [CARD]: "8" }, labels: A2, taints: [TAINT] };
  const settings = { nodeSelector: A2 };
  await using world = await openWorld(settings, { nodes: [...nodes, foreign, { name: "other" }] });
  const [, cordoned, tainted, , withoutPlugin] = world.cluster.objects("Node");
  cordoned!.spec = { unschedulable: true, taints: [cordonTaint("unschedulable")] };
  tainted!.spec.taints = [cordonTaint("disk-pressure")];
  world.cluster.loseNode("node-4");
  withoutPlugin!.spec.unschedulable = true;
  withoutPlugin!.status.capacity = { ...withoutPlugin!.status.allocatable };
  world.cluster.lieAboutCards("node-5", CARD, 0);
  const resting = ["node-2", "node-3", "node-4", "node-5"].map((name) => ({ name, cards: 8 }));
  const { nodes: inService, ...rest } = await world.driver.capacity();
  expect(inService?.map(({ name }) => name)).toEqual(["node-1"]);
  expect(rest.resting).toEqual(resting);
  // A bound in the configuration is one for them too.
  const bounded = await world.open({ ...settings, cards: 4 }).capacity();
  expect(bounded.resting).toEqual(resting.map((node) => ({ ...node, cards: 4 })));
});

function cordonTaint(of: string) {
  return { key: `node.kubernetes.io/${of}`, effect: "NoSchedule" };
}

test("the cards of a worker that is gone are free at once, though they were counted a moment ago", async () => {
  await using world = await openWorld();
  const spec = specOf({ cards: 8 });
  await world.driver.start(spec);
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  expect((await world.driver.capacity()).nodes).toEqual([{ name: "node-1", total: 8, free: 0 }]);
  await expect.poll(() => world.driver.stop(spec.workerId, 0), POLL).toBe("gone");
  expect((await world.driver.capacity()).nodes).toEqual([{ name: "node-1", total: 8, free: 8 }]);
});

test("for a cpu pool a card is a core", async () => {
  await using world = await openWorld({ kind: "cpu", resource: undefined });
  expect((await world.driver.capacity()).total).toBe(192);
});

test("one count serves calls that follow each other", async () => {
  await using world = await openWorld();
  await Promise.all([world.driver.capacity(), world.driver.capacity()]);
  await world.driver.capacity();
  expect(world.cluster.api.requests.filter((line) => line.includes("/nodes"))).toHaveLength(1);
  world.turn(11_000);
  await world.driver.capacity();
  expect(world.cluster.api.requests.filter((line) => line.includes("/nodes"))).toHaveLength(2);
});

test("a count that was under way when cards became free is not kept", async () => {
  let pods: V1Pod[] = [aPod("node-1")];
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const placedPods = async () => {
    const seen = pods;
    if (seen.length > 0) await asked;
    return seen;
  };
  const capacity = createCapacity({
    settings: settingsOf({}),
    owner: { deployment: "test00", pool: POOL },
    cluster: { nodes: async () => [aNode("node-1")], placedPods },
    clock: { now: () => T0 },
    log: createCollectingLog(),
  });
  const before = capacity.count();
  pods = [];
  capacity.forget();
  const after = await capacity.count();
  answer();
  expect((await before).nodes).toMatchObject([{ free: 7 }]);
  expect(after.nodes).toMatchObject([{ free: 8 }]);
  expect(await capacity.count()).toBe(after);
});

test("without the right to list nodes the configured number stands in, or a person is told", async () => {
  await using world = await openWorld();
  world.cluster.rules.denied.add("list nodes");
  expect(await world.open({ cards: 16 }).capacity()).toEqual({ total: 16, simulated: false });
  await expect(world.driver.capacity()).rejects.toThrow(/Set cards to their number, or bind the ClusterRole/);
});

test("while the cluster is away the last count stands", async () => {
  await using world = await openWorld();
  const before = await world.driver.capacity();
  await world.cluster.api.down();
  world.turn(11_000);
  expect(await world.driver.capacity()).toEqual(before);
  expect(world.log.of("capacity-not-counted")).toHaveLength(1);
  await expect(world.open().capacity()).rejects.toThrow(/could not be reached/);
});

function aNode(name: string): V1Node {
  const conditions = [{ type: "Ready", status: "True" }];
  return { metadata: { name }, status: { allocatable: { [CARD]: "8" }, conditions } };
}

/** It holds one card. */
function aPod(nodeName: string): V1Pod {
  return { spec: { nodeName, containers: [{ name: "x", resources: { requests: { [CARD]: "1" } } }] } };
}
