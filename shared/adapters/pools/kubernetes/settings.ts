// What a Kubernetes pool is told by dispatch.yaml, as plain data; shared/config/pools/kubernetes-pool.ts parses it.
import type { PoolName } from "../../../domain/ids.ts";
import type { Builder } from "../builder.ts";

type Texts = { readonly [name: string]: string };

export type ClusterAccess =
  /** The service account of the pod that the dispatcher runs in. */
  | { readonly auth: "in-cluster" }
  /** A kubeconfig file; without `path` as kubectl finds it. Its exec plugins work: `aws eks get-token` for EKS. */
  | { readonly auth: "kubeconfig"; readonly path?: string | undefined; readonly context?: string | undefined }
  /** A service account's token: read anew each minute from `tokenFile`, or once from the variable `tokenEnv`. */
  | {
      readonly auth: "token";
      readonly server: string;
      readonly caFile?: string | undefined;
      readonly caData?: string | undefined;
      readonly tokenFile?: string | undefined;
      readonly tokenEnv?: string | undefined;
    }
  /** EKS by the AWS credentials of the environment, as a Lambda has them. */
  | {
      readonly auth: "eks";
      readonly server: string;
      readonly caFile?: string | undefined;
      /** PEM in base64, as in a kubeconfig. */
      readonly caData?: string | undefined;
      readonly cluster: string;
      readonly region: string;
    };

/** What stands for one card in Kubernetes. */
export type CardResource = {
  /** `huawei.com/ascend-1980`, `huawei.com/Ascend910`, a vNPU's name, `nvidia.com/gpu` … */
  readonly name: string;
  /** Units of it per card; 1 but for resources that count parts of a card, such as `huawei.com/npu-core`. */
  readonly units: number;
  /** HAMi: share of each card, as `<name>-memory` (MiB) and `<name>-core` (percent). */
  readonly memory?: number | undefined;
  readonly core?: number | undefined;
  /** HAMi: annotation `huawei.com/vnpu-mode`. */
  readonly mode?: string | undefined;
  /** Whether the pods of others may use the same card at the same time; undefined: as the rest of it tells. */
  readonly shared?: boolean | undefined;
};

/** Kubernetes quantities, already checked. */
export type Amounts = {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly ephemeralStorage?: string | undefined;
};

/** Its amounts are its requests and its limits. */
export type KubernetesBuilder = Builder & Amounts;

export type PoolVolume = {
  readonly mountPath: string;
  readonly readOnly: boolean;
} & (
  | { readonly type: "claim"; readonly claim: string; readonly subPath?: string | undefined }
  | { readonly type: "host"; readonly path: string; readonly file: boolean }
  | { readonly type: "empty"; readonly memory: boolean; readonly size?: string | undefined }
);

type Toleration = {
  readonly key?: string | undefined;
  readonly operator?: "Exists" | "Equal" | undefined;
  readonly value?: string | undefined;
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute" | undefined;
};

export type QueueSettings =
  | { readonly type: "none" }
  | { readonly type: "kueue"; readonly queue: string; readonly priorityClass?: string | undefined }
  | { readonly type: "volcano"; readonly queue?: string | undefined };

type PodSecurity = {
  /** Added after all were dropped; what a worker needs that starts as root and runs the runner as another user. */
  readonly capabilities: readonly string[];
  readonly allowPrivilegeEscalation: boolean;
  /** The kubelet refuses root; what the pod security level `restricted` demands. */
  readonly runAsNonRoot?: boolean | undefined;
  readonly runAsUser?: number | undefined;
  readonly runAsGroup?: number | undefined;
  readonly fsGroup?: number | undefined;
  /** The group of the device files: HwHiAiUser for Ascend, where the runner is not root. */
  readonly supplementalGroups: readonly number[];
};

export type KubernetesSettings = {
  readonly name: PoolName;
  readonly kind: "npu" | "gpu" | "cpu";
  /** A number bounds what is found, and stands in where nodes may not be listed. */
  readonly cards: number | "auto";
  readonly cluster: ClusterAccess;
  readonly namespace: {
    /** May hold {owner}, {repository}, {tenant}. */
    readonly template: string;
    readonly create: boolean;
    readonly labels: Texts;
  };
  /** Undefined for `cpu`. */
  readonly resource: CardResource | undefined;
  readonly perCard: Amounts;
  readonly perWorker: Amounts;
  /** For endpoints without an image of their own. */
  readonly image: string | undefined;
  readonly imagePullPolicy: "IfNotPresent" | "Always" | "Never";
  readonly imagePullSecrets: readonly string[];
  readonly nodeSelector: Texts;
  readonly tolerations: readonly Toleration[];
  readonly volumes: readonly PoolVolume[];
  /** Operator's environment for all workers, in clear in the pod: mirrors, proxies; no secrets. */
  readonly env: Texts;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly security: PodSecurity;
  readonly serviceAccount: string | undefined;
  readonly runtimeClass: string | undefined;
  readonly priorityClass: string | undefined;
  readonly schedulerName: string | undefined;
  readonly queue: QueueSettings;
  /** Undefined: workers build no images, or elsewhere. */
  readonly builder?: KubernetesBuilder | undefined;
  /** TERM to KILL where nobody asks with a grace of his own: at the deadline, when a node is drained. */
  readonly graceMs: number;
  /** An ended worker that nobody stopped stays for this long, with its exit code, result and log. */
  readonly keepEndedMs: number;
  /** For one call to the API server. */
  readonly timeoutMs: number;
};
