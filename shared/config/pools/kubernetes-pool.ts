// The part of dispatch.yaml for a pool in a Kubernetes cluster.
import * as z from "zod";
import { QUANTITY } from "../../adapters/pools/kubernetes/quantity.ts";
import { poolName } from "../../domain/ids.ts";
import { DURATION, parseDuration } from "../duration.ts";
import { kubernetesBuilder } from "./builder.ts";
import { clusterAccess } from "./kubernetes-cluster.ts";
import type { PoolKind } from "./pool-kind.ts";

const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
/** `<vendor's domain>/<name>` */
const RESOURCE = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
/**
 * `--` between owner and repository: no login has it, so that repository b-c of owner a and repository c of a-b never
 * share a namespace.
 */
const NAMESPACE =
  /^(?=.{1,63}$)([a-z0-9]+(-+[a-z0-9]+)*|([a-z0-9]+-)*(\{owner\}(--\{repository\})?|\{tenant\})(-[a-z0-9]+)*)$/;

/** What a worker that is root needs to prepare a runner of another user: docs/adr/0014-supervisor.md. */
const CAPABILITIES = ["CHOWN", "KILL", "SETGID", "SETUID"];

const path = z.string().regex(/^\/\S*$/);
const objectName = z.string().regex(OBJECT_NAME);
const quantity = (text: string) => z.string().regex(QUANTITY).describe(text);
const duration = (text: string) => z.string().regex(DURATION).describe(`${text}, for example 6h, 5m or 90s`);
const labels = z.record(z.string().regex(LABEL_KEY), z.string().regex(LABEL_VALUE));
const id = z.int().min(0).max(2_147_483_647);

const amounts = z.strictObject({
  cpu: quantity("Cores, such as 23 or 500m, in quotes").optional(),
  memory: quantity("Memory, such as 64Gi").optional(),
  ephemeralStorage: quantity("Space on the node's disk, such as 100Gi").optional(),
});

const volume = z
  .strictObject({
    mountPath: path.describe("Where workers see it"),
    readOnly: z.boolean().default(false).describe("true: workers cannot write there"),
    claim: objectName.optional().describe("Name of a PersistentVolumeClaim in the worker's namespace"),
    subPath: z.string().min(1).optional().describe("A folder of that claim"),
    hostPath: path.optional().describe("A folder of the node, such as that of the NPU driver; it must exist"),
    hostFile: path.optional().describe("A file of the node; it must exist"),
    empty: z.enum(["disk", "memory"]).optional().describe("An empty folder for each worker: disk or memory"),
    size: quantity("Most that an empty folder may hold, such as 16Gi").optional(),
  })
  .refine(
    (given) =>
      [given.claim, given.hostPath, given.hostFile, given.empty].filter((source) => source !== undefined)
        .length === 1,
    { error: "it needs one of claim, hostPath, hostFile and empty" },
  );

const toleration = z.strictObject({
  key: z.string().regex(LABEL_KEY).optional().describe("Key of the taint; any when left out"),
  operator: z.enum(["Exists", "Equal"]).optional().describe("Exists for any value, Equal for one"),
  value: z.string().regex(LABEL_VALUE).optional().describe("Value of the taint, with Equal"),
  effect: z
    .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
    .optional()
    .describe("Effect of the taint; any when left out"),
});

const queue = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("none").describe("Kubernetes' own scheduler starts workers as there is room"),
  }),
  z.strictObject({
    type: z.literal("kueue").describe("Workers wait in a queue of Kueue"),
    queue: objectName.describe("Name of a LocalQueue, which every namespace of workers must have"),
    priorityClass: objectName.optional().describe("Name of a WorkloadPriorityClass"),
  }),
  z.strictObject({
    type: z.literal("volcano").describe("Volcano schedules the workers"),
    queue: objectName.optional().describe("Name of a Volcano queue; its default when left out"),
  }),
]);

const resource = z.strictObject({
  name: z
    .string()
    .regex(RESOURCE)
    .describe("What the device plugin calls a card, such as huawei.com/ascend-1980 or nvidia.com/gpu"),
  units: z.int().min(1).max(10_000).default(1).describe("Units of it that make one card"),
  memory: z.int().min(1).optional().describe("HAMi: memory of each card that a worker gets, MiB"),
  core: z.int().min(1).max(100).optional().describe("HAMi: cores of each card that a worker gets, percent"),
  mode: z.string().min(1).optional().describe("HAMi: huawei.com/vnpu-mode, such as hami-core"),
  shared: z
    .boolean()
    .optional()
    .describe(
      "true: other pods may use the same card (GPU time slicing, MPS), and what they do there is no fault of it; known by itself for HAMi, vNPU and MIG",
    ),
});

/** Beside what every pool has: kind, cards, allowedCounts, maxWorkers, startsAtOnce, env. */
export const kubernetesFields = {
  driver: z.literal("kubernetes").describe("What starts the workers: kubernetes (Jobs of a cluster)"),
  cluster: clusterAccess
    .default({ auth: "in-cluster" })
    .describe("How the cluster is reached: auth in-cluster, kubeconfig, token or eks"),
  namespace: z
    .strictObject({
      name: z
        .string()
        .regex(NAMESPACE)
        .default("npu-dispatch-workers")
        .describe(
          "Namespace of workers: a name, or one per tenant such as npu-{owner}, {owner}--{repository} or npu-{tenant}",
        ),
      create: z
        .boolean()
        .default(false)
        .describe("true creates missing ones; false demands that they are there"),
      labels: labels
        .default({})
        .describe("Labels of those that are created, such as pod-security.kubernetes.io/enforce"),
    })
    .prefault({})
    .describe("Where in the cluster workers run"),
  resource: resource.optional().describe("What stands for a card; not for kind cpu"),
  perCard: amounts.default({}).describe("What a worker gets for each of its cards"),
  perWorker: amounts
    .default({ cpu: "1", memory: "2Gi" })
    .describe("What a worker gets beside that, with or without cards"),
  image: z.string().regex(/^\S+$/).optional().describe("Image of endpoints that name none"),
  imagePullPolicy: z
    .enum(["IfNotPresent", "Always", "Never"])
    .default("IfNotPresent")
    .describe("When a node pulls the image: IfNotPresent, Always or Never"),
  imagePullSecrets: z.array(objectName).default([]).describe("Names of Secrets with logins for registries"),
  nodeSelector: labels.default({}).describe("Labels that a worker's node must have"),
  tolerations: z.array(toleration).default([]).describe("Taints that its workers put up with"),
  volumes: z.array(volume).default([]).describe("Caches and host folders for its workers"),
  labels: labels.default({}).describe("Further labels of its pods"),
  annotations: z
    .record(z.string().regex(LABEL_KEY), z.string())
    .default({})
    .describe("Further annotations of its pods"),
  security: z
    .strictObject({
      capabilities: z
        .array(z.string().regex(/^[A-Z_]+$/))
        .default(CAPABILITIES)
        .describe("Linux capabilities of its containers, beside those of an endpoint; they have no others"),
      allowPrivilegeEscalation: z
        .boolean()
        .default(false)
        .describe(
          "true lets an image of your own use sudo and other setuid programs; ours never does: worker and job have no-new-privileges there",
        ),
      runAsNonRoot: z
        .boolean()
        .optional()
        .describe(
          "true: a container whose user is root is not started; namespaces of the pod security level restricted demand it, and capabilities: [] besides",
        ),
      runAsUser: id.optional().describe("User id; the image's when left out"),
      runAsGroup: id.optional().describe("Group id; the image's when left out"),
      fsGroup: id.optional().describe("Group that volumes belong to"),
      supplementalGroups: z
        .array(id)
        .default([])
        .describe("Further groups, such as that of the NPU's device files"),
    })
    .refine(({ runAsNonRoot, runAsUser }) => runAsNonRoot !== true || runAsUser !== 0, {
      path: ["runAsUser"],
      error: "0 is root, which runAsNonRoot forbids: name another user or leave one of them out",
    })
    .prefault({})
    .describe("What its containers may do"),
  serviceAccount: objectName.optional().describe("Service account of its pods; they never get its token"),
  runtimeClass: objectName.optional().describe("RuntimeClass of its pods, where NPUs need one"),
  priorityClass: objectName.optional().describe("PriorityClass of its pods"),
  schedulerName: objectName.optional().describe("Scheduler of its pods, such as hami-scheduler"),
  queue: queue
    .default({ type: "none" })
    .describe("A queue before the scheduler: type none, kueue or volcano"),
  builder: kubernetesBuilder,
  grace: duration("From TERM to KILL when a node is drained or a limit reached (default 90s)").default("90s"),
  keepEnded: duration("How long an ended worker that nobody stopped is kept (default 1h)").default("1h"),
  timeout: duration("Longest wait for one answer of the API server (default 10s)").default("10s"),
};

/** The common fields by their type: schema.ts gives the pools one schema of them. */
export type KubernetesPoolSpec = z.output<z.ZodObject<typeof kubernetesFields>> & {
  readonly kind: PoolKind;
  readonly cards: number | "auto";
  readonly env: { readonly [name: string]: string };
};

/** The settings of createKubernetesPool. */
export function resolveKubernetesPool(name: string, spec: KubernetesPoolSpec) {
  const { driver: _driver, grace, keepEnded, timeout, namespace, volumes, ...rest } = spec;
  return {
    ...rest,
    name: poolName(name),
    resource: spec.kind === "cpu" ? undefined : (spec.resource ?? defaultResource(spec.kind)),
    namespace: { template: namespace.name, create: namespace.create, labels: namespace.labels },
    volumes: volumes.map(resolveVolume),
    builder: spec.builder && { ...spec.builder, endpoints: spec.builder.endpoints },
    serviceAccount: spec.serviceAccount,
    runtimeClass: spec.runtimeClass,
    priorityClass: spec.priorityClass,
    schedulerName: spec.schedulerName,
    image: spec.image,
    graceMs: parseDuration(grace) ?? 0,
    keepEndedMs: parseDuration(keepEnded) ?? 0,
    timeoutMs: parseDuration(timeout) ?? 0,
  };
}

/** The device plugins of MindCluster for training cards, and of NVIDIA. */
function defaultResource(kind: "npu" | "gpu") {
  return { name: kind === "npu" ? "huawei.com/Ascend910" : "nvidia.com/gpu", units: 1 };
}

function resolveVolume({
  claim,
  subPath,
  hostPath,
  hostFile,
  empty,
  size,
  ...common
}: z.output<typeof volume>) {
  if (claim !== undefined) return { ...common, type: "claim" as const, claim, subPath };
  if (hostPath !== undefined) return { ...common, type: "host" as const, path: hostPath, file: false };
  if (hostFile !== undefined) return { ...common, type: "host" as const, path: hostFile, file: true };
  return { ...common, type: "empty" as const, memory: empty === "memory", size };
}
