// The batch/v1 Job of one worker, and the Secret with its environment: pure, from the start and the pool's settings.
import type { V1Container, V1EnvVar, V1Job, V1PodSpec, V1Secret } from "@kubernetes/client-node";
import type { StartSpec } from "../../../../ports/pool-driver.ts";
import { CONTAINER, LABEL, labelValue, type Owner, ownerLabels } from "../names.ts";
import type { KubernetesSettings } from "../settings.ts";
import { affinityOf } from "./affinity.ts";
import { withBuilder } from "./builder-sidecar.ts";
import { noCardsEnv, resourcesOf, sharedCardsEnv } from "./card-resources.ts";
import { underQueue } from "./queue.ts";
import { volumeMounts, volumes } from "./volumes.ts";

/** Kubernetes keeps at most 4,096 bytes of it, and hands them out with the exit code. */
const RESULT_FILE = "/dev/termination-log";
/** Where our worker writes its report in place, since the file is a mount that no rename can replace. */
const RESULT_FILE_VARIABLE = "WORKER_RESULT_FILE";

/** A worker is not moved to another node: a cluster that shrinks must let it finish. */
const KEEP_ON_NODE = {
  "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
  "karpenter.sh/do-not-disrupt": "true",
};

export type WorkerPlan = {
  readonly spec: StartSpec;
  readonly settings: KubernetesSettings;
  readonly owner: Owner;
  readonly namespace: string;
  readonly image: string;
};

/**
 * Its name is the worker's id, so that a second start meets the first. Nothing of it is a secret. A pod is never
 * replaced: `podReplacementPolicy: Failed` and `backoffLimit: 0`. The time limit is the pod's, whose clock starts on
 * the node: a Job's would count the wait for a node too.
 */
export function workerJob(plan: WorkerPlan): V1Job {
  const { spec, settings, namespace } = plan;
  const labels = { ...settings.labels, ...workerLabels(plan) };
  const job: V1Job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: spec.workerId, namespace, labels, annotations: descriptions(spec) },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: "Failed",
      ttlSecondsAfterFinished: seconds(settings.keepEndedMs),
      template: {
        metadata: {
          labels,
          annotations: {
            ...KEEP_ON_NODE,
            ...modeOf(settings),
            ...settings.annotations,
            ...descriptions(spec),
          },
        },
        spec: withBuilder(podSpec(plan), plan),
      },
    },
  };
  return underQueue(job, settings.queue);
}

/** Owned by the Job, so that Kubernetes removes it with the Job, whoever ends that. */
export function workerSecret(plan: WorkerPlan, jobUid: string): V1Secret {
  const { spec, namespace } = plan;
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    immutable: true,
    metadata: {
      name: spec.workerId,
      namespace,
      labels: workerLabels(plan),
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "Job", name: spec.workerId, uid: jobUid, controller: true },
      ],
    },
    data: Object.fromEntries(
      Object.entries(spec.env).map(([name, value]) => [name, Buffer.from(value).toString("base64")]),
    ),
  };
}

function workerLabels({ spec, owner }: WorkerPlan): { [key: string]: string } {
  return {
    ...ownerLabels(owner),
    [LABEL.worker]: spec.workerId,
    [LABEL.endpoint]: labelValue(spec.endpoint),
    [LABEL.tenant]: labelValue(spec.tenant),
  };
}

/** For who looks with kubectl. */
function descriptions({ owner, repository }: StartSpec): { [key: string]: string } {
  return {
    ...(owner !== undefined && { "npu-dispatch/owner": owner }),
    ...(repository !== undefined && { "npu-dispatch/repository": repository }),
  };
}

function modeOf({ resource }: KubernetesSettings): { [key: string]: string } {
  return resource?.mode === undefined ? {} : { "huawei.com/vnpu-mode": resource.mode };
}

function podSpec(plan: WorkerPlan): V1PodSpec {
  const { spec, settings } = plan;
  const { security, tolerations } = settings;
  return {
    restartPolicy: "Never",
    activeDeadlineSeconds: seconds(spec.limitMs),
    terminationGracePeriodSeconds: seconds(settings.graceMs),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...defined({
      serviceAccountName: settings.serviceAccount,
      runtimeClassName: settings.runtimeClass,
      priorityClassName: settings.priorityClass,
      schedulerName: settings.schedulerName,
    }),
    securityContext: {
      seccompProfile: { type: "RuntimeDefault" },
      ...defined({ fsGroup: security.fsGroup }),
      ...(security.supplementalGroups.length > 0 && { supplementalGroups: [...security.supplementalGroups] }),
    },
    ...(Object.keys(settings.nodeSelector).length > 0 && { nodeSelector: { ...settings.nodeSelector } }),
    ...affinityOf(spec),
    ...(tolerations.length > 0 && { tolerations: tolerations.map((entry) => defined(entry)) }),
    ...(settings.imagePullSecrets.length > 0 && {
      imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })),
    }),
    ...(settings.volumes.length > 0 && { volumes: volumes(settings.volumes) }),
    containers: [container(plan)],
  };
}

function container({ spec, settings, image }: WorkerPlan): V1Container {
  const { security } = settings;
  const capabilities = [...new Set([...security.capabilities, ...(spec.capabilities ?? [])])];
  const resources = resourcesOf(spec.cards, settings);
  return {
    name: CONTAINER,
    image,
    imagePullPolicy: settings.imagePullPolicy,
    ...(spec.command !== undefined && { command: spec.command.map(literal) }),
    envFrom: [{ secretRef: { name: spec.workerId } }],
    env: plainEnv(spec, settings),
    ...(Object.keys(resources).length > 0 && { resources: { requests: resources, limits: resources } }),
    terminationMessagePath: RESULT_FILE,
    // The other policy would give the end of the log for a result.
    terminationMessagePolicy: "File",
    ...(settings.volumes.length > 0 && { volumeMounts: volumeMounts(settings.volumes) }),
    securityContext: {
      allowPrivilegeEscalation: security.allowPrivilegeEscalation,
      privileged: false,
      capabilities: {
        drop: ["ALL"],
        ...(capabilities.length > 0 && { add: capabilities }),
      },
      ...defined({
        runAsNonRoot: security.runAsNonRoot,
        runAsUser: security.runAsUser,
        runAsGroup: security.runAsGroup,
      }),
    },
  };
}

/** The pod's own variables would win over the Secret's: those that the start names are left to it. */
function plainEnv(spec: StartSpec, settings: KubernetesSettings): V1EnvVar[] {
  const all = {
    ...(spec.cards === 0 ? noCardsEnv(settings.kind) : sharedCardsEnv(settings.resource)),
    [RESULT_FILE_VARIABLE]: RESULT_FILE,
    ...settings.env,
  };
  return Object.entries(all)
    .filter(([name]) => !(name in spec.env))
    .map(([name, value]) => ({ name, value: literal(value) }));
}

/** Kubernetes expands `$(NAME)` in commands and variables; `$$` is a plain `$` to it. */
function literal(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** Whole seconds, at least 1, at most what Kubernetes' int32 holds. */
function seconds(ms: number): number {
  return Math.min(2 ** 31 - 1, Math.max(1, Math.ceil(ms / 1_000)));
}

function defined<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
