// Starts that meet a full quota, a wrong setting, a missing right, a webhook: capacity and configuration told apart.
import { expect, test } from "vitest";
import type { KubernetesSettings } from "../../../../shared/adapters/pools/kubernetes/settings.ts";
import type { StartOutcome, StartSpec } from "../../../../shared/ports/pool-driver.ts";
import { NAMESPACE } from "../../../contract/kubernetes-pool-under-test.ts";
import { StatusError, tooManyRequests } from "../../../fakes/kubernetes/api/status.ts";
import { CARD, openWorld, type PoolWorld, specOf } from "../pool-world.ts";

type Case = {
  readonly settings?: Partial<KubernetesSettings>;
  readonly spec?: Partial<StartSpec>;
  arrange?(world: PoolWorld): void;
  readonly expected: StartOutcome["type"];
  readonly says: RegExp;
  readonly retryAfterMs?: number | undefined;
  /** Absent: it concerns the whole pool. */
  readonly of?: "job" | "tenant";
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
    of: "tenant",
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
    expected: "unavailable",
    says: /did not create the Job .*gives the verb create on jobs\.batch: apply deploy\/kubernetes\/tenant/,
    retryAfterMs: 5_000,
  },
  "no right to create Secrets": {
    arrange: ({ cluster }) => cluster.rules.denied.add("create secrets"),
    expected: "unavailable",
    says: /gives the verb create on secrets/,
    retryAfterMs: 5_000,
  },
  "a namespace that is not there": {
    settings: { namespace: { template: "npu-{owner}", create: false, labels: {} } },
    expected: "unavailable",
    says: /namespaces "npu-acme" not found.*Create the namespace npu-acme .*, or set namespace\.create/,
    retryAfterMs: 5_000,
    of: "tenant",
  },
  "a namespace without a role binding, which need not be there": {
    arrange: ({ cluster }) => {
      cluster.rules.roleBindings = new Set(["npu-other"]);
    },
    settings: { namespace: { template: "npu-{owner}", create: false, labels: {} } },
    expected: "unavailable",
    says: /did not create the Job .*no namespace npu-acme, or it has no RoleBinding .*tenant with "namespace: npu-acme"/,
    retryAfterMs: 5_000,
    of: "tenant",
  },
  "a namespace of one tenant's repository": {
    settings: { namespace: { template: "{owner}--{repository}", create: false, labels: {} } },
    expected: "unavailable",
    says: /Create the namespace acme--tools/,
    retryAfterMs: 5_000,
    of: "job",
  },
  "a server that has just started and has read no role yet": {
    arrange: ({ cluster }) => {
      cluster.rules.rolesNotReadYet = true;
    },
    expected: "unavailable",
    says: /clusterrole.* "npu-dispatch-workers" not found/,
    retryAfterMs: 5_000,
  },
  "a PriorityClass that is not there": {
    settings: { priorityClass: "ci-high" },
    expected: "refused",
    says: /no PriorityClass with name ci-high was found\. Create the PriorityClass ci-high, or change priorityClass/,
  },
  "a RuntimeClass that is not there": {
    settings: { runtimeClass: "ascend" },
    expected: "refused",
    says: /Create the RuntimeClass ascend, or change runtimeClass of the pool/,
  },
  "a ServiceAccount that is not there": {
    settings: { serviceAccount: "builder" },
    expected: "refused",
    says: /Create the ServiceAccount npu-test\/builder, or change serviceAccount of the pool/,
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
    says: /HTTP 429 Too Many Requests/,
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
