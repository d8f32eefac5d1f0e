// What a worker waits for: its events are read, and what a queue has written elsewhere. What cannot be read is said once.
import type { CoreV1Event, V1Job, V1Pod } from "@kubernetes/client-node";
import type { Clock } from "../../../../ports/clock.ts";
import type { Log } from "../../../../ports/log.ts";
import { ApiFault } from "../api-fault.ts";
import type { Cluster } from "../cluster.ts";
import type { KubernetesSettings } from "../settings.ts";
import { workloadSays } from "./kueue-workload.ts";
import { pendingReason, type Waits } from "./pending-reason.ts";

export type WaitDeps = {
  readonly settings: KubernetesSettings;
  readonly cluster: Pick<Cluster, "events" | "workloads">;
  readonly clock: Clock;
  readonly log: Log;
};

/** Volcano's mark on a pod, with the name of its group. */
const GROUP = "scheduling.k8s.io/group-name";

export type ReadWaits = (job: V1Job | undefined, pod: V1Pod | undefined) => Promise<Waits>;

/** Where nothing can be read the pod's own state must do. */
export function createWaits({ settings, cluster, clock, log }: WaitDeps): ReadWaits {
  const events = createReader("events-not-read");
  const workloads = createReader("workloads-not-read");

  return async (job, pod) => {
    const { namespace = "", name = "" } = (pod ?? job)?.metadata ?? {};
    const kind = pod === undefined ? "Job" : "Pod";
    const group = pod?.spec?.nodeName === undefined ? pod?.metadata?.annotations?.[GROUP] : undefined;
    const [own, groupEvents, queueSays] = await Promise.all([
      eventsOf(namespace, kind, name),
      group === undefined ? undefined : eventsOf(namespace, "PodGroup", group),
      pod === undefined ? kueueSays(job) : undefined,
    ]);
    return pendingReason({ job, pod, events: own, groupEvents, queueSays, now: clock.now() });
  };

  async function eventsOf(namespace: string, kind: string, name: string): Promise<readonly CoreV1Event[]> {
    return (await events(() => cluster.events(namespace, { kind, name }))) ?? [];
  }

  async function kueueSays(job: V1Job | undefined): Promise<string | undefined> {
    const { namespace = "", uid = "" } = job?.metadata ?? {};
    if (settings.queue.type !== "kueue" || !job?.spec?.suspend) return undefined;
    const found = await workloads(() => cluster.workloads(namespace, uid));
    return found?.map(workloadSays).find((words) => words !== undefined);
  }

  function createReader(event: string) {
    let told = false;
    return async <T>(read: () => Promise<T>): Promise<T | undefined> => {
      try {
        const found = await read();
        told = false;
        return found;
      } catch (error) {
        if (!(error instanceof ApiFault)) throw error;
        if (!told) log.warn(event, { pool: settings.name, message: error.message });
        told = true;
        return undefined;
      }
    };
  }
}
