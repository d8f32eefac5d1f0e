// Starts one after the other: the second is the first, a cut-off one is completed, a right or a quota comes later.
import { expect, test } from "vitest";
import { NAMESPACE } from "../../../contract/kubernetes-pool-under-test.ts";
import { POLL } from "../../../contract/pool-driver-contract.ts";
import { CARD, openWorld, specOf } from "../pool-world.ts";

test("once the right is there the next start works; until then it is asked for at most every 30 s", async () => {
  await using world = await openWorld();
  world.cluster.rules.roleBindings = new Set();
  const retries: (number | undefined)[] = [];
  for (const turn of [0, 10, 20, 600]) {
    world.turn(turn * 1_000);
    const outcome = await world.driver.start(specOf());
    retries.push(outcome.type === "unavailable" ? outcome.retryAfterMs : undefined);
  }
  expect(retries.map((ms = 0) => Math.round(ms / 1_000))).toEqual([5, 5, 15, 30]);
  world.cluster.rules.roleBindings.add(NAMESPACE);
  expect(await world.driver.start(specOf())).toEqual({ type: "started" });
});

test("a quota: full, nothing made; and asked again soon after one of its own workers has gone", async () => {
  await using world = await openWorld();
  world.cluster.addQuota(NAMESPACE, { pods: "1" });
  const first = specOf();
  expect(await world.driver.start(first)).toEqual({ type: "started" });
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  const full = { type: "unavailable", full: true, madeNothing: true };
  expect(await world.driver.start(specOf())).toMatchObject({ ...full, retryAfterMs: 15_000 });
  await world.driver.stop(first.workerId, 0);
  world.cluster.addQuota(NAMESPACE, { pods: "0" }, "late");
  expect(await world.driver.start(specOf())).toMatchObject({ ...full, retryAfterMs: 2_000 });
});

test("a namespace is created where that is allowed, once, with its labels", async () => {
  const labels = { "pod-security.kubernetes.io/enforce": "baseline" };
  await using world = await openWorld({ namespace: { template: "npu-{owner}", create: true, labels } });
  world.cluster.rules.serviceAccountsLate = true;
  const outcomes = await Promise.all([world.driver.start(specOf()), world.driver.start(specOf())]);
  expect(outcomes).toEqual([{ type: "started" }, { type: "started" }]);
  const made = world.cluster.objects("Namespace").find(({ metadata }) => metadata.name === "npu-acme");
  expect(made?.metadata.labels).toEqual({ ...labels, "app.kubernetes.io/managed-by": "npu-dispatch" });
  expect(await world.driver.start(specOf())).toMatchObject({
    type: "unavailable",
    retryAfterMs: 2_000,
    of: "tenant",
  });
  world.cluster.rules.serviceAccountsLate = false;
  await expect.poll(() => world.runner.containers.length, POLL).toBe(2);
});

test("workers of several namespaces are found, read and stopped", async () => {
  await using world = await openWorld({ namespace: { template: "npu-{owner}", create: true, labels: {} } });
  const specs = [specOf({ owner: "acme" }), specOf({ owner: "umbrella" })];
  for (const spec of specs) await world.driver.start(spec);
  const ids = specs.map(({ workerId }) => workerId);
  expect(new Set(await world.driver.list())).toEqual(new Set(ids));
  await expect.poll(() => world.runner.containers.length, POLL).toBe(2);
  world.runner.containers[0]?.print("hello");
  const [first] = world.runner.containers.map(({ spec }) => spec.env["RUNPOD_POD_ID"]);
  const workerId = ids.find((id) => id === first)!;
  expect(await world.driver.logsTail(workerId, 5)).toEqual(["hello"]);
  expect(await world.driver.stop(workerId, 1_000)).toBe("gone");
  expect(await world.driver.list()).toEqual(ids.filter((id) => id !== workerId));
});

test("a start that was cut off before the Secret is completed by the next one", async () => {
  await using world = await openWorld();
  const spec = specOf();
  world.cluster.rules.webhook = ({ kind }) => (kind === "Secret" ? "not yet" : undefined);
  world.cluster.rules.denied.add("delete jobs"); // the crash: nothing is undone
  await world.driver.start(spec);
  await expect
    .poll(() => world.driver.inspect(spec.workerId), POLL)
    .toMatchObject({
      type: "running",
      waits: expect.stringContaining(`secret "${spec.workerId}" not found`),
    });
  world.cluster.rules.webhook = undefined;
  expect(await world.driver.start(spec)).toEqual({ type: "started" });
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  expect(world.runner.containers[0]?.spec.env).toMatchObject({ RUNPOD_AI_API_KEY: "worker-token" });
});

test("a second start is the first one, also when the first has used up the quota", async () => {
  await using world = await openWorld();
  world.cluster.addQuota(NAMESPACE, { [`requests.${CARD}`]: "1", "count/jobs.batch": "1" });
  const spec = specOf();
  expect(await world.driver.start(spec)).toEqual({ type: "started" });
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  expect(await world.driver.start(spec)).toEqual({ type: "started" });
  expect(await world.driver.start(specOf())).toMatchObject({ type: "unavailable" });
  expect(world.cluster.objects("Job")).toHaveLength(1);
});

test("a stranger's Job of the same name is left alone", async () => {
  await using world = await openWorld();
  const spec = specOf();
  const template = { spec: { containers: [{ name: "x", image: "y" }], restartPolicy: "Never" } };
  world.cluster.put("Job", NAMESPACE, {
    metadata: { name: spec.workerId },
    spec: { suspend: true, template },
  });
  expect(await world.driver.start(spec)).toMatchObject({
    type: "refused",
    message: expect.stringContaining("of somebody else"),
  });
  expect(await world.driver.stop(spec.workerId, 0)).toBe("gone");
  expect(world.cluster.objects("Job")).toHaveLength(1);
});

test("without the right to dry runs, or with a webhook that cannot, a start still works", async () => {
  await using world = await openWorld();
  world.cluster.rules.denied.add("create pods");
  expect(await world.driver.start(specOf())).toEqual({ type: "started" });
  world.cluster.rules.denied.clear();
  world.cluster.rules.webhookWithoutDryRun = true;
  expect(await world.driver.start(specOf())).toEqual({ type: "started" });
});

test("a namespace of the level restricted takes workers that say they are not root", async () => {
  await using world = await openWorld({
    namespace: { template: "npu-{owner}", create: false, labels: {} },
    security: {
      capabilities: [],
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      runAsUser: 1000,
      supplementalGroups: [],
    },
  });
  world.cluster.addNamespace("npu-acme", { "pod-security.kubernetes.io/enforce": "restricted" });
  expect(await world.driver.start(specOf())).toEqual({ type: "started" });
  await expect.poll(() => world.runner.containers.length, POLL).toBe(1);
  // A user id alone does not do: kube-apiserver 1.36.
  const security = {
    capabilities: [],
    allowPrivilegeEscalation: false,
    runAsUser: 1000,
    supplementalGroups: [],
  };
  expect(await world.open({ security }).start(specOf())).toMatchObject({
    type: "refused",
    message: expect.stringMatching(/violates PodSecurity.*Set security\.runAsNonRoot: true/),
  });
});
