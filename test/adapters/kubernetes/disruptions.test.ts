// Workers that something else than their own program or their dispatcher ends: what ended them is told.
import { expect, test } from "vitest";
import { POLL } from "../../contract/pool-driver-contract.ts";
import type { Why } from "../../fakes/kubernetes/pod-status.ts";
import { openWorld, type PoolWorld, runs } from "./pool-world.ts";

test.each<[string, Why, RegExp]>([
  [
    "for its memory",
    { of: "container", reason: "OOMKilled" },
    /^was killed for lack of memory \(OOMKilled\): raise perCard\.memory or perWorker\.memory of pool a2/,
  ],
  [
    "by its node, with the kubelet's words",
    { of: "pod", reason: "Evicted", message: "The node was low on resource: ephemeral-storage. " },
    /^was evicted by its node \(Evicted\): The node was low on resource: ephemeral-storage$/,
  ],
  [
    "for another pod",
    { of: "pod", reason: "Preempting", message: "Preempted in order to admit critical pod" },
    /^had to make room for a pod of higher priority \(Preempting\): Preempted in order/,
  ],
  [
    "by a shutdown",
    { of: "pod", reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown." },
    /^was ended by the shutdown of its node \(Terminated\): Pod was terminated/,
  ],
  [
    "by a device plugin without cards",
    { of: "pod", reason: "UnexpectedAdmissionError", message: "Allocate failed due to rpc error" },
    /\(UnexpectedAdmissionError\), often for cards that its device plugin could not give: Allocate failed/,
  ],
  ["for another reason", { of: "pod", reason: "NodeAffinity" }, /^was ended by its node \(NodeAffinity\)$/],
])("it is ended %s", async (_name, why, reason) => {
  await using world = await openWorld();
  const { workerId } = await runs(world);
  world.cluster.endPod(workerId, why);
  await expect
    .poll(() => world.driver.inspect(workerId), POLL)
    .toMatchObject({ type: "exited", code: 137, result: undefined, reason: expect.stringMatching(reason) });
  expect(await world.driver.ended()).toEqual([workerId]);
});

test.each([
  ["PreemptionByScheduler", /^had to make room for a pod of higher priority \(Preempted\): by acme\/big$/],
  ["EvictionByEvictionAPI", /^was evicted, as when a node is drained \(Evicted\)/],
  [
    "DeletionByTaintManager",
    /^had to leave its node, which was lost or taken out of service \(NoExecute taint\)/,
  ],
  ["DeletionByPodGC", /^was lost with its node \(NodeLost\)/],
  ["TerminationByKubelet", /^was ended by its node/],
  ["SomethingNew", /^was ended by the cluster \(SomethingNew\)/],
])("its disruption is told while its pod is there: %s", async (of, reason) => {
  await using world = await openWorld();
  const { workerId, container } = await runs(world);
  const [pod] = world.cluster.objects("Pod");
  const condition = { type: "DisruptionTarget", status: "True", reason: of, message: "by acme/big." };
  pod!.status = { ...pod!.status, conditions: [...pod!.status.conditions, condition] };
  container.exit(143);
  await expect
    .poll(() => world.driver.inspect(workerId), POLL)
    .toMatchObject({ type: "exited", code: 143, reason: expect.stringMatching(reason) });
});

test("one that is evicted says so from its TERM on, and its pod is gone with its end", async () => {
  await using world = await openWorld();
  world.runner.ignoreTerm = true;
  const { workerId, container } = await runs(world);
  await evict(world);
  await expect.poll(() => container.signals, POLL).toEqual(["TERM"]);
  expect(await world.driver.inspect(workerId)).toMatchObject({
    type: "running",
    ending: "was evicted, as when a node is drained (Evicted): Eviction API: evicting",
  });
  container.exit(143);
  await expect.poll(() => world.cluster.objects("Pod"), POLL).toEqual([]);
  await expect
    .poll(() => world.driver.inspect(workerId), POLL)
    .toMatchObject({ type: "exited", reason: expect.stringMatching(/^is gone with its pod: .*drained/) });
});

test("one whose pod somebody deletes says so while it has its grace", async () => {
  await using world = await openWorld();
  world.runner.ignoreTerm = true;
  const { workerId } = await runs(world);
  await removePod(world);
  const ending = "was deleted in its cluster, with its pod or Job";
  expect(await world.driver.inspect(workerId)).toMatchObject({ type: "running", ending });
});

async function evict({ cluster }: PoolWorld): Promise<void> {
  const { namespace, name } = cluster.objects("Pod")[0]!.metadata;
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  const path = `${cluster.url}/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  expect((await fetch(path, { method: "POST", body: JSON.stringify(body) })).status).toBe(201);
}

async function removePod({ cluster }: PoolWorld): Promise<void> {
  const { namespace, name } = cluster.objects("Pod")[0]!.metadata;
  await fetch(`${cluster.url}/api/v1/namespaces/${namespace}/pods/${name}`, { method: "DELETE" });
}

test("a pod that somebody deleted has ended, and no other takes its place", async () => {
  await using world = await openWorld();
  const { workerId, container } = await runs(world);
  await removePod(world);
  await expect
    .poll(() => world.driver.inspect(workerId), POLL)
    .toEqual({
      type: "exited",
      code: undefined,
      result: undefined,
      reason: expect.stringMatching(/^is gone with its pod: a preemption/),
    });
  expect(container.signals).toEqual(["TERM"]);
  expect(world.runner.containers).toHaveLength(1);
  expect(await world.driver.stop(workerId, 0)).toBe("gone");
});
