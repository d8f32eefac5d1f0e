// Starts that meet a full quota, a wrong setting, a missing right, a webhook: capacity and configuration told apart.
import { expect, test } from "vitest";
import type { KubernetesSettings } from "../../../shared/adapters/pools/kubernetes/settings.ts";
import type { StartOutcome, StartSpec } from "../../../shared/ports/pool-driver.ts";
import { NAMESPACE } from "../../contract/kubernetes-pool-under-test.ts";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { StatusError, tooManyRequests } from "../../fakes/kubernetes/api/status.ts";
import { CARD, openWorld, type PoolWorld, specOf } from "./pool-world.ts";

type Case = {
  readonly settings?: Partial<KubernetesSettings>;
  readonly spec?: Partial<StartSpec>;
  arrange?(world: PoolWorld): void;
  readonly expected: StartOutcome["type"];
  readonly says: RegExp;
  readonly retryAfterMs?: number | undefined;
  /** Absent: it concerns the whole pool. */
  readonly of?: "job";
};

const CASES: { readonly [name: string]: Case } = {
  "a quota of cards that is used up": {
    arrange: ({ cluster }) => cluster.addQuota(NAMESPACE, { [`requests.${CARD}`]: "1" }),
    spec: { cards: 2 },
    expected: "unavailable",
    says: /exceeded quota: cards, requested: requests\.huawei\.com\/ascend-1980=2, used: .*=0, limited: .*=1/,
    retryAfterMs: 15_000,
  },
  "a quota that is used up in the namespace of its owner": {
    arrange: ({ cluster }) => {
      cluster.addNamespace("npu-acme", {});
      cluster.addQuota("npu-acme", { "count/jobs.batch": "0" });
    },
    settings: { namespace: { template: "npu-{owner}", create: false, labels: {} } },
    expected: "unavailable",
    says: /jobs\.batch .* exceeded quota/,
    retryAfterMs: 15_000,
    of: "job",
  },
  "a quota of Jobs that is used up": {
    arrange: ({ cluster }) => cluster.addQuota(NAMESPACE, { "count/jobs.batch": "0" }),
    expected: "unavailable",
    says: /jobs\.batch .* exceeded quota/,
    retryAfterMs: 15_000,
  },
  "a quota on memory, and a pool that does not say how much": {
    arrange: ({ cluster }) => cluster.addQuota(NAMESPACE, { "limits.memory": "1Ti" }),
    expected: "refused",
    says: /must specify limits\.memory for: worker\. .*perWorker or perCard.*LimitRange/,
  },
  "a LimitRange below what a worker needs": {
    arrange: ({ cluster }) =>
      cluster.addLimitRange(NAMESPACE, [{ type: "Container", max: { memory: "1Gi" } }]),
    settings: { perWorker: { memory: "2Gi" } },
    expected: "refused",
    says: /maximum memory usage per Container is 1Gi.*LimitRange/,
  },
  "no right to create Jobs": {
    arrange: ({ cluster }) => cluster.rules.denied.add("create jobs"),
    expected: "refused",
    says: /lacks the verb create on jobs\.batch; see deploy\/kubernetes/,
  },
  "no right to create Secrets": {
    arrange: ({ cluster }) => cluster.rules.denied.add("create secrets"),
    expected: "refused",
    says: /lacks the verb create on secrets/,
  },
  "a namespace that is not there": {
    settings: { namespace: { template: "npu-{owner}", create: false, labels: {} } },
    expected: "refused",
    says: /namespaces "npu-acme" not found.*Create it, or set namespace\.create/,
  },
  "a namespace of an owner that nobody knows": {
    settings: { namespace: { template: "npu-{owner}", create: true, labels: {} } },
    spec: { owner: undefined },
    expected: "refused",
    says: /npu-\{owner\}.* needs the owner's login/,
  },
  "a namespace whose pod security forbids it": {
    arrange: ({ cluster }) =>
      cluster.addNamespace("npu-acme", { "pod-security.kubernetes.io/enforce": "restricted" }),
    settings: { namespace: { template: "npu-{owner}", create: false, labels: {} } },
    expected: "refused",
    says: /violates PodSecurity "restricted:latest": runAsNonRoot.*enforce label/,
  },
  "an admission webhook that says no": {
    arrange: ({ cluster }) => {
      cluster.rules.webhook = ({ kind }) =>
        kind === "Pod" ? "images must come from swr.example.org" : undefined;
    },
    expected: "refused",
    says: /policy\.example\.org" denied the request: images must come from swr/,
  },
  "an image name that is none": {
    spec: { image: "" },
    expected: "refused",
    says: /containers\[0\]\.image: Required value.*settings, those behind spec\.containers\[0\]\.image/,
  },
  "no image at all": {
    settings: { image: undefined },
    expected: "refused",
    says: /Neither endpoint linux-aarch64-a2-1 nor pool a2 names an image/,
  },
  "two virtual NPUs": {
    settings: { resource: { name: "huawei.com/Ascend910-12c.3cpu.32g", units: 1 } },
    spec: { cards: 2 },
    expected: "refused",
    says: /virtual NPU/,
  },
  "credentials that have expired": {
    arrange: ({ cluster }) => cluster.rules.tokens.add("another"),
    expected: "unavailable",
    says: /HTTP 401 Unauthorized\. The pool's credentials are wrong or have expired/,
    retryAfterMs: 60_000,
  },
  "a server that is busy": {
    arrange: ({ cluster }) => {
      cluster.api.faults.refuse = { times: 9, with: () => tooManyRequests(7) };
    },
    expected: "unavailable",
    says: /too many requests/,
    retryAfterMs: 7_000,
  },
  "a server with a fault": {
    arrange: ({ cluster }) => {
      cluster.api.faults.refuse.times = 9;
    },
    expected: "unavailable",
    says: /Internal error occurred/,
    retryAfterMs: undefined,
  },
  "a proxy that answers for it": {
    arrange: ({ cluster }) => {
      cluster.api.faults.refuse = {
        times: 9,
        with: () => new StatusError(503, "ServiceUnavailable", "no backend"),
      };
    },
    expected: "unavailable",
    says: /no backend/,
    retryAfterMs: undefined,
  },
};

test.each(Object.entries(CASES))(
  "%s",
  async (_name, { settings, spec, arrange, expected, says, retryAfterMs, of }) => {
    await using world = await openWorld(settings);
    arrange?.(world);
    const outcome = await world.driver.start(specOf(spec));
    expect(outcome).toMatchObject({ type: expected, message: expect.stringMatching(says) });
    expect("retryAfterMs" in outcome ? outcome.retryAfterMs : undefined).toBe(retryAfterMs);
    expect("of" in outcome ? outcome.of : undefined).toBe(of);
    expect(JSON.stringify(outcome)).not.toContain("worker-token");
    expect(world.cluster.objects("Job")).toEqual([]);
    expect(world.runner.containers).toEqual([]);
  },
);

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
    of: "job",
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
