// What a worker that has not started waits for, from the pod's conditions and the events of a cluster.
import { expect, test } from "vitest";
import type { KubernetesSettings } from "../../../shared/adapters/pools/kubernetes/settings.ts";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import type { WaitsFor } from "../../../shared/domain/waiting/wait-view.ts";
import { NAMESPACE } from "../../contract/kubernetes-pool-under-test.ts";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { StatusError } from "../../fakes/kubernetes/api/status.ts";
import { CARD, openWorld, type PoolWorld, specOf } from "./pool-world.ts";

const MINUTE_MS = 60_000;

type Case = {
  readonly settings?: Partial<KubernetesSettings>;
  readonly cards?: number;
  arrange?(world: PoolWorld): void;
  readonly waits: RegExp;
  readonly waitsFor: WaitsFor;
};

const CASES: { readonly [name: string]: Case } = {
  "a node with enough cards": {
    waitsFor: "node",
    cards: 16,
    waits: /^No node can take it: 0\/1 nodes are available: 1 Insufficient huawei\.com\/ascend-1980\..*\.$/,
  },
  "a node with its labels": {
    waitsFor: "node",
    settings: { nodeSelector: { accelerator: "huawei-Ascend310P" } },
    waits: /No node can take it: .*didn't match Pod's node affinity\/selector/,
  },
  "a cluster that lies about its cards": {
    waitsFor: "node",
    cards: 8,
    arrange: ({ cluster }) => {
      cluster.lieAboutCards("node-1", CARD, 4);
      cluster.objects("Node")[0]!["real"] = { ...cluster.objects("Node")[0]?.status.allocatable };
      cluster.lieAboutCards("node-1", CARD, 8);
    },
    waits: /Insufficient huawei\.com\/ascend-1980/,
  },
  "an image that is being pulled": {
    waitsFor: "image",
    arrange: ({ cluster }) => cluster.images.set("busybox:1.36", { pullMs: 60_000 }),
    waits: /^The node node-1 pulls its image busybox:1\.36\.$/,
  },
  "an image that was not found yet": {
    waitsFor: "image",
    arrange: ({ cluster }) => cluster.images.set("busybox:1.36", { missing: true }),
    waits: /was not pulled at the first try; it is tried again\.$/,
  },
  "an image that cannot be pulled for a while": {
    waitsFor: "image",
    arrange: ({ cluster, turn }) => {
      cluster.images.set("busybox:1.36", { missing: true });
      turn(5 * MINUTE_MS);
    },
    waits: /^Its image busybox:1\.36 cannot be pulled, for [45] min now: /,
  },
  "a queue of Kueue": {
    waitsFor: "queue",
    settings: { queue: { type: "kueue", queue: "team-a" } },
    arrange: ({ cluster }) => {
      cluster.rules.kueue = true;
    },
    waits:
      /^Waits in the Kueue queue team-a: couldn't assign flavors to pod set main: insufficient unused quota .*\.$/,
  },
  "a queue of Kueue, whose Workloads may not be read": {
    waitsFor: "queue",
    settings: { queue: { type: "kueue", queue: "team-a" } },
    arrange: ({ cluster }) => {
      cluster.rules.kueue = true;
      cluster.rules.denied.add("list workloads");
    },
    waits: /^Waits in the Kueue queue team-a\.$/,
  },
  "a queue of Volcano that is full": {
    waitsFor: "quota",
    settings: { queue: { type: "volcano", queue: "ci" } },
    arrange: ({ cluster }) => {
      cluster.rules.volcano = [
        "queue resource quota insufficient: insufficient huawei.com/ascend-1980",
        "1/1 tasks in gang unschedulable: pod group is not ready, 1 Pending, 1 minAvailable; Pending: 1 Unschedulable",
      ];
    },
    waits:
      /^Its queue has no room: queue resource quota insufficient: insufficient huawei\.com\/ascend-1980\.$/,
  },
  "a quota that a pod meets later": {
    waitsFor: "quota",
    arrange: ({ cluster }) => {
      cluster.rules.denied.add("create pods");
      cluster.addQuota(NAMESPACE, { [`requests.${CARD}`]: "0" });
    },
    waits:
      /^Kubernetes cannot make its pod: Error creating: .*exceeded quota.*\(the namespace's quota is used up\)\.$/,
  },
  "a scheduler that is not there, whose events may not be read": {
    waitsFor: "host",
    arrange: ({ cluster }) => {
      cluster.rules.denied.add("list events");
      cluster.images.set("busybox:1.36", { pullMs: 60_000 });
    },
    waits: /^The node node-1 prepares its container\.$/,
  },
};

test.each(Object.entries(CASES))("%s", async (_name, { settings, cards = 1, arrange, waits, waitsFor }) => {
  await using world = await openWorld(settings);
  arrange?.(world);
  const spec = specOf({ cards });
  expect(await world.driver.start(spec)).toEqual({ type: "started" });
  await expect.poll(() => waitOf(world, spec.workerId), POLL).toMatch(waits);
  expect(await world.driver.inspect(spec.workerId)).toMatchObject({ waitsFor });
  expect(await world.driver.ended()).toEqual([]);
  expect(await world.driver.logsTail(spec.workerId, 10)).toEqual([]);
  expect(await world.driver.stop(spec.workerId, 1_000)).toBe("gone");
  expect(world.runner.containers).toEqual([]);
});

test("Kueue admits it, and it runs", async () => {
  await using world = await openWorld({ queue: { type: "kueue", queue: "team-a" } });
  world.cluster.rules.kueue = true;
  world.cluster.addQuota(NAMESPACE, { [`requests.${CARD}`]: "0" });
  const spec = specOf();
  // A full quota is Kueue's to wait for.
  expect(await world.driver.start(spec)).toEqual({ type: "started" });
  expect(await world.driver.list()).toEqual([spec.workerId]);
  await using free = await openWorld({ queue: { type: "kueue", queue: "team-a" } });
  free.cluster.rules.kueue = true;
  await free.driver.start(spec);
  free.cluster.admit(spec.workerId);
  await expect.poll(() => free.runner.containers.length, POLL).toBe(1);
});

test("events that cannot be read hide no state", async () => {
  await using world = await openWorld();
  const spec = specOf({ cards: 16 });
  await world.driver.start(spec);
  await expect.poll(() => waitOf(world, spec.workerId), POLL).toMatch(/No node can take it/);
  world.cluster.api.faults.refuse = {
    of: /\/events\?/,
    times: 9,
    with: () => new StatusError(500, "InternalError", "etcdserver: request timed out"),
  };
  expect(await waitOf(world, spec.workerId)).toMatch(/No node can take it/);
  expect(await waitOf(world, spec.workerId)).toMatch(/No node can take it/);
  expect(world.log.of("events-not-read")).toHaveLength(1);
});

test("once it runs: its node, and the cards that were mounted", async () => {
  await using world = await openWorld();
  const specs = [specOf({ cards: 2 }), specOf({ cards: 1 })];
  for (const spec of specs) await world.driver.start(spec);
  await expect.poll(() => world.runner.containers.length, POLL).toBe(2);
  const states = await Promise.all(specs.map(({ workerId }) => world.driver.inspect(workerId)));
  const devices = states.map((state) => (state.type === "running" ? state.devices : undefined));
  expect(devices.map((list) => list?.length)).toEqual([2, 1]);
  expect(new Set(devices.flat())).toEqual(new Set(["0", "1", "2"]));
  expect(states).toMatchObject([{ node: "node-1" }, { node: "node-1" }]);
});

async function waitOf(world: PoolWorld, workerId: WorkerId): Promise<string> {
  const state = await world.driver.inspect(workerId);
  return state.type === "running" ? (state.waits ?? "") : state.type;
}
