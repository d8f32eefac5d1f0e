// Kueue: a Workload for each Job with a queue's name, which tells why the Job is not admitted, until a test admits it.
import type { ClusterState } from "./cluster-state.ts";
import type { KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";

/** pkg/controller/jobframework/reconciler.go: the label; pkg/scheduler/flavorassigner: the words. */
export function reviewJobs(state: ClusterState): void {
  if (!state.rules.kueue) return;
  for (const job of state.objects.list("Job")) {
    const { labels = {}, uid, namespace } = job.metadata;
    if (!("kueue.x-k8s.io/queue-name" in labels) || workloadOf(state, job) !== undefined) continue;
    const workload = state.objects.create(
      "Workload",
      {
        apiVersion: "kueue.x-k8s.io/v1beta1",
        kind: "Workload",
        metadata: {
          name: `job-${job.metadata.name}-${uid.slice(0, 5)}`,
          labels: { "kueue.x-k8s.io/job-uid": uid },
        },
      },
      namespace,
    );
    if (workload !== undefined) setReserved(workload, "False", state.rules.kueueSays);
  }
}

export function admitJob(state: ClusterState, job: KubeObject): void {
  job.spec.suspend = false;
  const workload = workloadOf(state, job);
  if (workload !== undefined) setReserved(workload, "True", "Quota reserved in ClusterQueue team-a");
}

function workloadOf(state: ClusterState, { metadata }: KubeObject): KubeObject | undefined {
  return state.objects
    .list("Workload", metadata.namespace)
    .find(({ metadata: { labels = {} } }) => labels["kueue.x-k8s.io/job-uid"] === metadata.uid);
}

function setReserved(workload: KubeObject, status: "True" | "False", message: string): void {
  const reason = status === "True" ? "QuotaReserved" : "WaitingForQuota";
  const condition = { type: "QuotaReserved", status, reason, message, lastTransitionTime: timestamp() };
  workload.status = { conditions: [condition] };
}
