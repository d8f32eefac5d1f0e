// The manifest of a worker: what the API server takes, whatever the names, and what a container then really gets.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cardObjection, resourcesOf } from "../../../shared/adapters/pools/kubernetes/job/card-resources.ts";
import { workerJob, workerSecret } from "../../../shared/adapters/pools/kubernetes/job/worker-job.ts";
import type { KubernetesSettings } from "../../../shared/adapters/pools/kubernetes/settings.ts";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import { settingsOf } from "../../contract/kubernetes-pool-under-test.ts";
import { validateObject } from "../../fakes/kubernetes/api/validate.ts";
import { expand } from "../../fakes/kubernetes/container.ts";
import { specOf } from "./pool-world.ts";

const JOB = { plural: "jobs", group: "batch", kind: "Job" };

function jobOf(spec: Partial<StartSpec> = {}, settings: Partial<KubernetesSettings> = {}) {
  const plan = {
    spec: specOf(spec),
    settings: settingsOf(settings),
    owner: { deployment: "test00", pool: "a2" },
    namespace: "npu-acme",
    image: "cann:9",
  };
  return { job: workerJob(plan), secret: workerSecret(plan, "uid-1"), plan };
}

test("the whole Job of a worker with two cards", () => {
  const { job, plan } = jobOf(
    { cards: 2, command: undefined, limitMs: 90_500, capabilities: ["FOWNER", "SETUID"] },
    {
      perCard: { cpu: "23", memory: "64Gi" },
      perWorker: { cpu: "500m", memory: "1Gi" },
      nodeSelector: { accelerator: "huawei-Ascend910" },
      env: { PIP_INDEX_URL: "http://mirror/$simple" },
      volumes: [
        { type: "claim", claim: "cache", mountPath: "/root/.cache", readOnly: false },
        {
          type: "host",
          path: "/usr/local/Ascend/driver",
          file: false,
          mountPath: "/usr/local/Ascend/driver",
          readOnly: true,
        },
      ],
      security: { capabilities: ["SETUID"], allowPrivilegeEscalation: false, supplementalGroups: [1000] },
    },
  );
  const { workerId } = plan.spec;
  expect(job.metadata?.labels).toEqual({
    "app.kubernetes.io/managed-by": "npu-dispatch",
    "npu-dispatch/deployment": "test00",
    "npu-dispatch/pool": "a2",
    "npu-dispatch/worker": workerId,
    "npu-dispatch/endpoint": "linux-aarch64-a2-1",
    "npu-dispatch/tenant": "123456",
  });
  const { template, ...spec } = job.spec ?? { template: {} };
  expect(spec).toEqual({
    backoffLimit: 0,
    completions: 1,
    parallelism: 1,
    podReplacementPolicy: "Failed",
    ttlSecondsAfterFinished: 3_600,
  });
  const resources = { cpu: "46500m", memory: "129Gi", "huawei.com/ascend-1980": "2" };
  expect(template.spec).toEqual({
    restartPolicy: "Never",
    activeDeadlineSeconds: 91,
    terminationGracePeriodSeconds: 30,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { seccompProfile: { type: "RuntimeDefault" }, supplementalGroups: [1000] },
    nodeSelector: { accelerator: "huawei-Ascend910" },
    volumes: [
      { name: "volume-0", persistentVolumeClaim: { claimName: "cache", readOnly: false } },
      { name: "volume-1", hostPath: { path: "/usr/local/Ascend/driver", type: "Directory" } },
    ],
    containers: [
      {
        name: "worker",
        image: "cann:9",
        imagePullPolicy: "IfNotPresent",
        envFrom: [{ secretRef: { name: workerId } }],
        env: [
          { name: "WORKER_RESULT_FILE", value: "/dev/termination-log" },
          { name: "PIP_INDEX_URL", value: "http://mirror/$$simple" },
        ],
        resources: { requests: resources, limits: resources },
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
        volumeMounts: [
          { name: "volume-0", mountPath: "/root/.cache" },
          { name: "volume-1", mountPath: "/usr/local/Ascend/driver", readOnly: true },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          privileged: false,
          capabilities: { drop: ["ALL"], add: ["SETUID", "FOWNER"] },
        },
      },
    ],
  });
});

test("nothing of the start's environment is in the Job; the Secret belongs to the Job", () => {
  const { job, secret, plan } = jobOf();
  expect(JSON.stringify(job)).not.toContain("worker-token");
  expect(JSON.stringify(job)).not.toContain("RUNPOD_AI_API_KEY");
  const [owner] = secret.metadata?.ownerReferences ?? [];
  expect(owner).toEqual({
    apiVersion: "batch/v1",
    kind: "Job",
    name: plan.spec.workerId,
    uid: "uid-1",
    controller: true,
  });
  expect(Buffer.from(secret.data?.["RUNPOD_AI_API_KEY"] ?? "", "base64").toString()).toBe("worker-token");
});

test("a variable of the start wins over the operator's of the same name", () => {
  const { job } = jobOf(
    { env: { MIRROR: "of the start" } },
    { env: { MIRROR: "of the operator", OTHER: "1" } },
  );
  const names = job.spec?.template.spec?.containers[0]?.env?.map(({ name }) => name);
  expect(names).toEqual(["WORKER_RESULT_FILE", "OTHER"]);
});

test("a worker without cards is told so, for the runtimes that would mount all", () => {
  const of = (kind: "npu" | "gpu" | "cpu") =>
    jobOf({ cards: 0 }, { kind }).job.spec?.template.spec?.containers[0]?.env?.map(({ name }) => name);
  expect(of("npu")).toContain("ASCEND_VISIBLE_DEVICES");
  expect(of("gpu")).toContain("NVIDIA_VISIBLE_DEVICES");
  expect(of("cpu")).toEqual(["WORKER_RESULT_FILE"]);
});

test("the API server takes a Job of any tenant, endpoint, repository, command and environment", () => {
  const text = fc.string({ unit: "binary", maxLength: 80 }).filter((value) => !value.includes("\0"));
  const shape = {
    endpoint: text,
    tenant: text,
    owner: text,
    repository: text,
    cards: fc.integer({ min: 0, max: 16 }),
    limitMs: fc.integer({ min: 0, max: 2 ** 53 - 1 }),
    command: fc.option(fc.array(text, { minLength: 1, maxLength: 4 }), { nil: undefined }),
  };
  fc.assert(
    fc.property(fc.record(shape), fc.dictionary(fc.stringMatching(/^[A-Z_]{1,9}$/), text), (spec, env) => {
      const { job, secret } = jobOf(spec, { env, perCard: { cpu: "1.5", memory: "1G" } });
      validateObject(JOB, job, true);
      validateObject({ plural: "secrets", group: "", kind: "Secret" }, secret, true);
      const container = job.spec?.template.spec?.containers[0];
      expect(container?.command?.map((word) => expand(word, {}))).toEqual(spec.command);
      for (const { name, value } of container?.env ?? []) {
        if (name in env) expect(expand(value ?? "", env)).toBe(env[name]);
      }
    }),
    { numRuns: 40 },
  );
});

test("is kept from nodes by their names, one in each requirement, and drawn to one a little less", () => {
  const { job } = jobOf({ avoid: { never: ["node-1", "node-2"], rather: ["node-3"] } });
  const not = (...names: string[]) => ({
    matchFields: names.map((name) => ({ key: "metadata.name", operator: "NotIn", values: [name] })),
  });
  expect(job.spec?.template.spec?.affinity?.nodeAffinity).toEqual({
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [not("node-1", "node-2")] },
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: not("node-3") }],
  });
  validateObject(JOB, job, true);
  const { job: wished } = jobOf({ avoid: { never: [], rather: ["node-3"] }, prefer: "node-1" });
  const here = { matchFields: [{ key: "metadata.name", operator: "In", values: ["node-1"] }] };
  expect(wished.spec?.template.spec?.affinity?.nodeAffinity).toEqual({
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 100, preference: not("node-3") },
      { weight: 50, preference: here },
    ],
  });
  validateObject(JOB, wished, true);
  expect(jobOf({ avoid: { never: [], rather: [] } }).job.spec?.template.spec).not.toHaveProperty("affinity");
});

describe("queues", () => {
  test("Kueue: labels on the Job, suspended, the pod as it was", () => {
    const plain = jobOf().job;
    const { job } = jobOf({}, { queue: { type: "kueue", queue: "team-a", priorityClass: "ci" } });
    expect(job.metadata?.labels).toMatchObject({
      "kueue.x-k8s.io/queue-name": "team-a",
      "kueue.x-k8s.io/priority-class": "ci",
    });
    expect(job.spec?.suspend).toBe(true);
    expect(Object.keys(job.spec?.template.spec ?? {})).toEqual(Object.keys(plain.spec?.template.spec ?? {}));
    validateObject(JOB, job, true);
  });

  test("Volcano: its scheduler and queue on the pod", () => {
    const { job } = jobOf({}, { queue: { type: "volcano", queue: "team-a" } });
    expect(job.spec?.template.spec?.schedulerName).toBe("volcano");
    expect(job.spec?.template.metadata?.annotations).toMatchObject({
      "scheduling.volcano.sh/queue-name": "team-a",
    });
    expect(job.spec?.suspend).toBeUndefined();
    validateObject(JOB, job, true);
  });
});

describe("what stands for a card", () => {
  const none = { perCard: {}, perWorker: {} };

  test.each([
    ["CCE", { name: "huawei.com/ascend-1980", units: 1 }, { "huawei.com/ascend-1980": "4" }],
    ["MindCluster A5", { name: "huawei.com/npu", units: 1 }, { "huawei.com/npu": "4" }],
    [
      "HAMi, a share of each card",
      { name: "huawei.com/Ascend910B3", units: 1, memory: 16_384, core: 50 },
      {
        "huawei.com/Ascend910B3": "4",
        "huawei.com/Ascend910B3-memory": "16384",
        "huawei.com/Ascend910B3-core": "50",
      },
    ],
    ["parts of a card", { name: "example.com/quarter", units: 4 }, { "example.com/quarter": "16" }],
    ["NVIDIA", { name: "nvidia.com/gpu", units: 1 }, { "nvidia.com/gpu": "4" }],
  ])("%s", (_name, resource, expected) => {
    expect(resourcesOf(4, { ...none, resource })).toEqual(expected);
    expect(cardObjection(4, { ...none, resource })).toBeUndefined();
    expect(resourcesOf(0, { ...none, resource })).toEqual({});
  });

  test.each([
    "huawei.com/Ascend910-12c.3cpu.32g",
    "huawei.com/ascend-1980-5c.1cpu.16g",
    "huawei.com/npu-core",
  ])("of the virtual NPU %s a pod can have one", (name) => {
    const resource = { name, units: 1 };
    expect(cardObjection(1, { ...none, resource })).toBeUndefined();
    expect(cardObjection(2, { ...none, resource })).toMatch(/virtual NPU/);
  });

  test("HAMi's mode is on the pod", () => {
    const { job } = jobOf({}, { resource: { name: "huawei.com/Ascend910B3", units: 1, mode: "hami-core" } });
    expect(job.spec?.template.metadata?.annotations).toMatchObject({ "huawei.com/vnpu-mode": "hami-core" });
  });
});
