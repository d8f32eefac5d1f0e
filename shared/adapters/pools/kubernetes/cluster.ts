// The calls that a pool makes to Kubernetes, as verbs: faults in one form, lists read to their end, "not found" told apart.
import type { CoreV1Event, V1Job, V1Namespace, V1Node, V1Pod, V1Secret } from "@kubernetes/client-node";
import { once, pages, type ReadPage, unlessMissing, unlessWaiting } from "./calls.ts";
import type { Apis } from "./connect.ts";
import { CONTAINER } from "./names.ts";
import { JOB_UID, type Workload } from "./waiting/kueue-workload.ts";

export type Cluster = {
  /** Throws an ApiFault, as all of these do; 409: there is one. */
  createJob(namespace: string, job: V1Job): Promise<V1Job>;
  /** Whether all admission lets such a pod in: quota, limits, policies, webhooks. Nothing is made. */
  tryPod(namespace: string, pod: V1Pod): Promise<void>;
  readJob(namespace: string, name: string): Promise<V1Job | undefined>;
  /** With its pods, in the background. Without an error when there is none. */
  deleteJob(namespace: string, name: string): Promise<void>;
  createSecret(namespace: string, secret: V1Secret): Promise<void>;
  createNamespace(namespace: V1Namespace): Promise<void>;
  jobs(selector: string): Promise<V1Job[]>;
  pods(selector: string): Promise<V1Pod[]>;
  /** TERM, and KILL after the grace, seconds. Without an error when there is none. */
  deletePod(namespace: string, name: string, graceSeconds: number): Promise<void>;
  events(namespace: string, of: { readonly kind: string; readonly name: string }): Promise<CoreV1Event[]>;
  /** Kueue's, of the Job of this uid. */
  workloads(namespace: string, jobUid: string): Promise<Workload[]>;
  /** Undefined when it has none, or none yet. */
  podLog(namespace: string, name: string, lines: number): Promise<string | undefined>;
  nodes(): Promise<V1Node[]>;
  /** Pods of all namespaces that hold what they asked for on a node. */
  placedPods(): Promise<V1Pod[]>;
};

/** Keeps a log of endless lines from filling the memory; 1,000 lines are some 100 kB. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/** `namespace`: where all workers of the pool are; undefined: in several. */
export function createCluster(apis: Apis, namespace: string | undefined): Cluster {
  return {
    ...jobCalls(apis),
    ...podCalls(apis),
    ...listCalls(apis, namespace),
    ...nodeCalls(apis),
    ...queueCalls(apis),
  };
}

function jobCalls({
  batch,
  core,
  server,
}: Apis): Pick<Cluster, "createJob" | "readJob" | "deleteJob" | "createSecret" | "createNamespace"> {
  const call = <T>(action: string, act: () => Promise<T>) => once(action, server, act);
  return {
    createJob: (namespace: string, body: V1Job) =>
      call(`create the Job ${body.metadata?.name} in ${namespace}`, () =>
        batch.createNamespacedJob({ namespace, body, fieldValidation: "Strict" }),
      ),
    readJob: (namespace: string, name: string) =>
      unlessMissing(() =>
        call(`show the Job ${name} in ${namespace}`, () => batch.readNamespacedJob({ namespace, name })),
      ),
    async deleteJob(namespace: string, name: string) {
      // Without it the Job's pods would stay, by an old default of the API.
      const act = () => batch.deleteNamespacedJob({ namespace, name, propagationPolicy: "Background" });
      await unlessMissing(() => call(`delete the Job ${name} in ${namespace}`, act));
    },
    async createSecret(namespace: string, body: V1Secret) {
      const act = () => core.createNamespacedSecret({ namespace, body, fieldValidation: "Strict" });
      await call(`create the Secret ${body.metadata?.name} in ${namespace}`, act);
    },
    async createNamespace(body: V1Namespace) {
      await call(`create the namespace ${body.metadata?.name}`, () => core.createNamespace({ body }));
    },
  };
}

function podCalls({ core, server }: Apis): Pick<Cluster, "tryPod" | "deletePod" | "podLog"> {
  const call = <T>(action: string, act: () => Promise<T>) => once(action, server, act);
  return {
    async tryPod(namespace: string, body: V1Pod) {
      const act = () =>
        core.createNamespacedPod({ namespace, body, dryRun: "All", fieldValidation: "Strict" });
      await call(`accept a pod in ${namespace}`, act);
    },
    async deletePod(namespace: string, name: string, gracePeriodSeconds: number) {
      const act = () => core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds });
      await unlessMissing(() => call(`delete the pod ${name} in ${namespace}`, act));
    },
    podLog(namespace: string, name: string, tailLines: number) {
      const wanted = { namespace, name, container: CONTAINER, tailLines, limitBytes: MAX_LOG_BYTES };
      return unlessWaiting(() =>
        call(`show the log of the pod ${name} in ${namespace}`, () => core.readNamespacedPodLog(wanted)),
      );
    },
  };
}

function listCalls(
  { batch, core, server }: Apis,
  namespace: string | undefined,
): Pick<Cluster, "jobs" | "pods" | "events"> {
  const inScope = namespace === undefined ? "in any namespace" : `in ${namespace}`;
  const list = <T>(what: string, read: ReadPage<T>) =>
    pages<T>((page) => once(`list ${what}`, server, () => read(page)));
  return {
    jobs: (labelSelector: string) =>
      list(`Jobs ${inScope}`, (page) =>
        namespace === undefined
          ? batch.listJobForAllNamespaces({ labelSelector, ...page })
          : batch.listNamespacedJob({ namespace, labelSelector, ...page }),
      ),
    pods: (labelSelector: string) =>
      list(`pods ${inScope}`, (page) =>
        namespace === undefined
          ? core.listPodForAllNamespaces({ labelSelector, ...page })
          : core.listNamespacedPod({ namespace, labelSelector, ...page }),
      ),
    events(of: string, { kind, name }: { readonly kind: string; readonly name: string }) {
      const fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
      return list(`events in ${of}`, (page) =>
        core.listNamespacedEvent({ namespace: of, fieldSelector, ...page }),
      );
    },
  };
}

function nodeCalls({ core, server }: Apis): Pick<Cluster, "nodes" | "placedPods"> {
  const placed = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";
  return {
    nodes: () => pages((page) => once("list nodes", server, () => core.listNode(page))),
    placedPods: () =>
      pages((page) =>
        once("list pods in any namespace", server, () =>
          core.listPodForAllNamespaces({ fieldSelector: placed, ...page }),
        ),
      ),
  };
}

/** Newer releases of Kueue have both, the second as deprecated; older ones have the second alone. */
const KUEUE_VERSIONS = ["v1beta2", "v1beta1"] as const;

function queueCalls({ custom, server }: Apis): Pick<Cluster, "workloads"> {
  const group = "kueue.x-k8s.io";
  return {
    async workloads(namespace: string, jobUid: string) {
      const read = (version: string) =>
        custom.listNamespacedCustomObject({
          group,
          version,
          namespace,
          plural: "workloads",
          labelSelector: `${JOB_UID}=${jobUid}`,
        });
      for (const version of KUEUE_VERSIONS) {
        const list = await unlessMissing(() =>
          once(`list Kueue's workloads in ${namespace}`, server, () => read(version)),
        );
        if (list !== undefined) return (list as { items: Workload[] }).items;
      }
      return [];
    },
  };
}
