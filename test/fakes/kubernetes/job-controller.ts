// The Job controller and the garbage collector: pods for Jobs, their counts and ends, their time to live, what they own.
import { admit } from "./api/admission.ts";
import { POD } from "./api/resources.ts";
import { StatusError } from "./api/status.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { Json, KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";
import { deletePod } from "./pod-deletion.ts";

/** Pods that a Job has had, by its uid: a pod that vanished has failed. */
export type Made = Map<string, Set<string>>;

export function controlJobs(state: ClusterState, made: Made): void {
  for (const job of state.objects.list("Job")) controlJob(state, job, made);
  collectGarbage(state);
}

function controlJob(state: ClusterState, job: KubeObject, made: Made): void {
  if (endOf(job) !== undefined) expire(state, job);
  else if (!job.spec.suspend) countPods(state, job, made);
}

function countPods(state: ClusterState, job: KubeObject, made: Made): void {
  const names = made.get(job.metadata.uid) ?? new Set();
  made.set(job.metadata.uid, names);
  const pods = podsOf(state, job);
  const counts = countsOf(pods, names);
  const wants = counts.succeeded + counts.failed + counts.active + counts.terminating === 0;
  if (wants) createPod(state, job, names);
  else if (counts.succeeded > 0) end(state, job, "Complete", "", "");
  else if (counts.failed > (job.spec.backoffLimit ?? 6)) {
    end(state, job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  const { conditions } = job.status ?? {};
  const status = {
    ...counts,
    startTime: job.status?.startTime ?? timestamp(),
    ...(conditions && { conditions }),
  };
  if (JSON.stringify(status) !== JSON.stringify(job.status)) {
    job.status = status;
    state.objects.touch(job);
  }
}

function countsOf(pods: readonly KubeObject[], names: ReadonlySet<string>) {
  const phase = (...of: string[]) => pods.filter(({ status }) => of.includes(status?.phase));
  const vanished = [...names].filter((name) => !pods.some(({ metadata }) => metadata.name === name)).length;
  const running = phase("Pending", "Running");
  const terminating = running.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  return {
    active: running.length - terminating.length,
    // podReplacementPolicy Failed: what is being ended counts only when it has failed.
    terminating: terminating.length,
    succeeded: phase("Succeeded").length,
    failed: phase("Failed").length + vanished,
  };
}

function createPod(state: ClusterState, job: KubeObject, names: Set<string>): void {
  const namespace = job.metadata.namespace ?? "default";
  const { metadata = {}, spec } = job.spec.template;
  const owner = {
    apiVersion: "batch/v1",
    kind: "Job",
    name: job.metadata.name,
    uid: job.metadata.uid,
    controller: true,
  };
  const draft = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...structuredClone(metadata),
      labels: { ...metadata.labels, "batch.kubernetes.io/job-name": job.metadata.name },
      generateName: `${job.metadata.name}-`,
      ownerReferences: [owner],
    },
    spec: structuredClone(spec),
  };
  try {
    const pod = state.objects.create("Pod", admit(state, POD, namespace, draft, false), namespace);
    if (pod === undefined) return;
    pod.status = { phase: "Pending" };
    names.add(pod.metadata.name);
    state.emit(job, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    state.emit(job, "Warning", "FailedCreate", `Error creating: ${error.message}`);
  }
}

function end(state: ClusterState, job: KubeObject, type: string, reason: string, message: string): void {
  const condition = {
    type,
    status: "True",
    lastTransitionTime: timestamp(),
    ...(reason && { reason, message }),
  };
  job.status = { ...job.status, conditions: [condition], completionTime: timestamp() };
  state.objects.touch(job);
}

function endOf(job: KubeObject): Json {
  return (job.status?.conditions ?? []).find(({ type }: Json) => type === "Complete" || type === "Failed");
}

function expire(state: ClusterState, job: KubeObject): void {
  const ttl = job.spec.ttlSecondsAfterFinished;
  const ended = Date.parse(endOf(job).lastTransitionTime);
  if (ttl !== undefined && Date.now() - ended > ttl * 1_000) state.objects.remove(job);
}

function podsOf(state: ClusterState, job: KubeObject): KubeObject[] {
  return state.objects
    .list("Pod", job.metadata.namespace)
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
}

/** Removes what a vanished Job owned; pods with their own grace. */
function collectGarbage(state: ClusterState): void {
  const jobs = new Set(state.objects.list("Job").map(({ metadata }) => metadata.uid));
  const orphans = [...state.objects.list("Pod"), ...state.objects.list("Secret")].filter(({ metadata }) => {
    const owner = metadata.ownerReferences?.find(({ kind }) => kind === "Job");
    return owner !== undefined && !jobs.has(owner.uid);
  });
  for (const orphan of orphans) {
    if (orphan.kind === "Pod") {
      if (orphan.metadata.deletionTimestamp === undefined) orphan["collected"] = true;
      deletePod(state, orphan, undefined);
    } else state.objects.remove(orphan);
  }
}
