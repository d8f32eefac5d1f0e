// The pool in a Kubernetes cluster: every worker is a Job of one pod. The cluster's objects are its only memory.
import type { V1Job, V1Pod } from "@kubernetes/client-node";
import type { PoolName, WorkerId } from "../../../domain/ids.ts";
import { parseWorkerId } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { ContainerState, PoolDriver } from "../../../ports/pool-driver.ts";
import { type Cluster, createCluster } from "./cluster.ts";
import { connect } from "./connect.ts";
import { type Found, isLiving, stateOf } from "./container-state.ts";
import { LABEL, type Owner, selectorOf } from "./names.ts";
import { createNamespaceNotes } from "./namespace-notes.ts";
import { createCapacity } from "./pool-capacity.ts";
import type { KubernetesSettings } from "./settings.ts";
import { createSharedFind } from "./shared-find.ts";
import { startWorker } from "./start-worker.ts";
import { stopWorker } from "./stop-worker.ts";
import { createWaits } from "./waiting/read-waits.ts";

export type KubernetesPoolDeps = {
  /** The stored deployment id: dispatchers that share a cluster see their own workers only. */
  readonly deployment: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The dispatcher's environment, for in-cluster credentials and `tokenEnv`. */
  readonly env: { readonly [name: string]: string | undefined };
};

/** More lines than a console page shows. */
const MAX_LOG_LINES = 1_000;

/** Throws when the settings lead to no cluster; whether it answers is seen at the first call. */
export function createKubernetesPool(settings: KubernetesSettings, deps: KubernetesPoolDeps): PoolDriver {
  const owner: Owner = { deployment: deps.deployment, pool: settings.name };
  const { template } = settings.namespace;
  const fixed = template.includes("{") ? undefined : template;
  const cluster = createCluster(connect(settings, deps.env), fixed);
  const notes = createNamespaceNotes(deps.clock);
  const parts = { settings, owner, cluster, notes, log: deps.log, clock: deps.clock };
  const find = createSharedFind((workerId) => findWorkers(cluster, selectorOf(owner, workerId)));
  const waits = createWaits(parts);
  const capacity = createCapacity(parts);

  return {
    capabilities: { idempotentStart: true, namedCards: false, nodes: true },
    capacity: () => capacity.count(),
    start: (spec) => startWorker(spec, parts),

    async inspect(workerId): Promise<ContainerState> {
      const found = await find(workerId);
      const state = stateOf(found, settings.name);
      if (state.type !== "waits") return state;
      const why = await waits(found.jobs[0], state.pod);
      return { type: "running", ...why, node: state.pod?.spec?.nodeName };
    },

    // A pod without its Job, left by somebody's hand, is a worker too while it lives.
    list: async () => workersOf(await find(), settings.name).map(([workerId]) => workerId),

    async ended() {
      const { name } = settings;
      const all = workersOf(await find(), name);
      return all.filter(([, found]) => stateOf(found, name).type === "exited").map(([id]) => id);
    },

    async stop(workerId, graceMs) {
      const namespaces = new Set<string>();
      const seeing = async (id: WorkerId) => {
        const found = await find(id);
        for (const { metadata } of [...found.jobs, ...found.pods]) namespaces.add(metadata?.namespace ?? "");
        return found;
      };
      const outcome = await stopWorker(workerId, graceMs, { cluster, find: seeing, now: deps.clock.now });
      if (outcome === "gone" && namespaces.size > 0) {
        capacity.forget();
        for (const namespace of namespaces) notes.freed(namespace);
      }
      return outcome;
    },

    async logsTail(workerId, lines) {
      if (lines <= 0) return [];
      const { pods } = await find(workerId);
      const pod = pods.find(isLiving) ?? pods[0];
      if (pod === undefined) return [];
      const { namespace = "", name = "" } = pod.metadata ?? {};
      const text = (await cluster.podLog(namespace, name, Math.min(lines, MAX_LOG_LINES))) ?? "";
      return text === "" ? [] : text.replace(/\n$/, "").split("\n");
    },
  };
}

async function findWorkers(cluster: Cluster, selector: string): Promise<Found> {
  // Jobs first: a pod that is made between the two lists is then never seen without its Job.
  const jobs = await cluster.jobs(selector);
  const pods = await cluster.pods(selector);
  return { jobs: jobs.filter((job) => job.metadata?.deletionTimestamp === undefined), pods };
}

/** Those that are still there, by id. */
function workersOf({ jobs, pods }: Found, pool: PoolName): [WorkerId, Found][] {
  const workers = new Map<WorkerId, { jobs: V1Job[]; pods: V1Pod[] }>();
  for (const job of jobs) entryOf(job)?.jobs.push(job);
  for (const pod of pods) entryOf(pod)?.pods.push(pod);
  return [...workers].filter(([, found]) => stateOf(found, pool).type !== "gone");

  function entryOf({ metadata }: V1Job | V1Pod) {
    const workerId = parseWorkerId(metadata?.labels?.[LABEL.worker] ?? "");
    if (workerId === undefined) return undefined;
    const entry = workers.get(workerId) ?? { jobs: [], pods: [] };
    workers.set(workerId, entry);
    return entry;
  }
}
