// Workers from their start to their end: results, deadlines, stops, lost nodes, and what is left when nobody looks.
import { expect, test } from "vitest";
import { LABEL } from "../../../shared/adapters/pools/kubernetes/names.ts";
import { NAMESPACE } from "../../contract/kubernetes-pool-under-test.ts";
import { POLL, stopped } from "../../contract/pool-driver-contract.ts";
import { openWorld, runs } from "./pool-world.ts";

test.each([
  ["with a result", 0, '{"output":{}}', '{"output":{}}'],
  ["without one", 82, "", undefined],
  ["with one too long, of which Kubernetes keeps the end", 3, "x".repeat(5_000), "x".repeat(4_096)],
])("it ends by itself %s", async (_name, code, left, result) => {
  await using world = await openWorld();
  const { workerId, container } = await runs(world);
  container.print("last words");
  container.exit(code, left);
  await expect
    .poll(() => world.driver.inspect(workerId), POLL)
    .toEqual({ type: "exited", code, result, node: "node-1", devices: ["0"] });
  expect(await world.driver.ended()).toEqual([workerId]);
  expect(await world.driver.logsTail(workerId, 1)).toEqual(["last words"]);
  expect(await world.driver.stop(workerId, 0)).toBe("gone");
  await expect.poll(() => world.cluster.objects("Pod"), POLL).toEqual([]);
  await expect.poll(() => world.cluster.objects("Secret"), POLL).toEqual([]);
});

test("over its limit it is ended by the cluster, without any dispatcher", async () => {
  await using world = await openWorld();
  const { workerId, container } = await runs(world, { limitMs: 1 });
  await expect.poll(() => container.signals, POLL).toContain("TERM");
  await expect
    .poll(() => world.driver.inspect(workerId), POLL)
    .toMatchObject({
      type: "exited",
      code: 143,
      reason: "was ended at its time limit (DeadlineExceeded)",
    });
});

test("an ended worker that nobody stops goes after a while, with its Secret", async () => {
  await using world = await openWorld({ keepEndedMs: 1 });
  const { workerId, container } = await runs(world);
  container.exit(0);
  await expect.poll(() => world.driver.list(), POLL).toEqual([]);
  await expect.poll(() => world.cluster.objects("Secret"), POLL).toEqual([]);
  expect(await world.driver.inspect(workerId)).toEqual({ type: "gone" });
});

test("a stop asks with the grace it was given, and says stopping until the container has ended", async () => {
  await using world = await openWorld();
  world.runner.ignoreTerm = true;
  const { workerId, container } = await runs(world);
  expect(await world.driver.stop(workerId, 20_000)).toBe("stopping");
  expect(container.signals).toEqual(["TERM"]);
  expect(await world.driver.inspect(workerId)).toMatchObject({ type: "running" });
  expect(await world.driver.list()).toEqual([workerId]);
  const [pod] = world.cluster.objects("Pod");
  expect(pod?.metadata.deletionGracePeriodSeconds).toBe(20);
  // A shorter grace is taken, a longer one is not.
  const deletions = () => world.cluster.api.requests.filter((line) => line.startsWith("DELETE")).length;
  const before = deletions();
  expect(await stopped(world.driver, workerId, 0)).toBe("gone");
  expect(container.signals).toContain("KILL");
  expect(deletions()).toBe(before + 1);
});

test("the cards of a worker on a lost node stay taken", async () => {
  await using world = await openWorld();
  const { workerId } = await runs(world);
  world.cluster.loseNode("node-1");
  expect(await world.driver.stop(workerId, 0)).toBe("stopping");
  expect(world.cluster.objects("Pod")).toHaveLength(1);
  expect(await world.driver.list()).toEqual([workerId]);
});

test("a pod whose Job was deleted by hand, and left, is found and stopped", async () => {
  await using world = await openWorld();
  const { workerId } = await runs(world);
  const path = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs/${workerId}`;
  await fetch(`${world.cluster.url}${path}`, { method: "DELETE" });
  expect(world.cluster.objects("Job")).toEqual([]);
  expect(await world.driver.list()).toEqual([workerId]);
  expect(await world.driver.stop(workerId, 1_000)).toBe("gone");
  await expect.poll(() => world.cluster.objects("Pod"), POLL).toEqual([]);
});

test("a short grace is kept where TERM is ignored, and gone means that its pod is gone too", async () => {
  await using world = await openWorld();
  world.runner.ignoreTerm = true;
  const { workerId, container } = await runs(world);
  const outcome = world.driver.stop(workerId, 50);
  await expect.poll(() => container.signals, POLL).toEqual(["TERM", "KILL"]);
  expect(await outcome).toBe("gone");
  expect(world.cluster.objects("Pod")).toEqual([]);
  expect(world.cluster.objects("Job")).toEqual([]);
});

test("ended, with its node away: it is gone after a while, though its pod cannot be removed", async () => {
  await using world = await openWorld();
  const { workerId } = await runs(world);
  const [pod] = world.cluster.objects("Pod");
  world.cluster.loseNode("node-1");
  const terminated = { exitCode: 0, finishedAt: "2026-01-01T00:00:00Z", reason: "Completed" };
  pod!.status.containerStatuses[0].state = { terminated };
  expect(await world.driver.stop(workerId, 50)).toBe("stopping");
  world.turn(12_000);
  expect(await world.driver.stop(workerId, 50)).toBe("gone");
});

test("only its own are listed, by the thousand, also when the list expires in between", async () => {
  await using world = await openWorld();
  const labels = (deployment: string, worker: string) => ({
    "app.kubernetes.io/managed-by": "npu-dispatch",
    [LABEL.deployment]: deployment,
    [LABEL.pool]: "a2",
    [LABEL.worker]: worker,
  });
  const template = { spec: { containers: [{ name: "worker", image: "x" }], restartPolicy: "Never" } };
  for (let n = 0; n < 1_200; n++) {
    const name = `npud-test00-${String(n).padStart(4, "0")}`;
    const deployment = n % 2 === 0 ? "test00" : "other0";
    const metadata = { name, labels: labels(deployment, name) };
    world.cluster.put("Job", NAMESPACE, { metadata, spec: { suspend: true, template } });
  }
  world.cluster.api.faults.slowMs = 20;
  const listing = world.driver.list();
  await expect.poll(() => world.cluster.api.requests.length, POLL).toBe(2);
  world.cluster.expireTokens();
  const found = await listing;
  expect(found).toHaveLength(600);
  expect(new Set(found).size).toBe(600);
  expect(world.cluster.api.requests.filter((line) => line.includes("/jobs"))).toHaveLength(4);
});
