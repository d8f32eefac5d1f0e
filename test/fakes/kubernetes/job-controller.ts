// The Job controller and the garbage collector: pods for Jobs, their counts and ends, their time to live, what they own.
import { admit } from "./api/admission.ts";
import { POD } from "./api/resources.ts";
import { StatusError } from "./api/status.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { Json, KubeObject } from "./objects.ts";
import { timestamp } from "./objects.ts";
import { deletePod } from "./pod-deletion.ts";

/**
 * Each pod of a Job has it until it is counted, so that none vanishes uncounted, by whatever hand: Kubernetes, concepts,
 * "Job tracking with finalizers".
 */
const TRACKED = "batch.kubernetes.io/job-tracking";

export function controlJobs(state: ClusterState): void {
  for (const job of state.objects.list("Job")) controlJob(state, job);
  collectUnscheduled(state);
  collectGarbage(state);
}

function controlJob(state: ClusterState, job: KubeObject): void {
  if (endOf(job) !== undefined) expire(state, job);
  else if (!job.spec.suspend) countPods(state, job);
}

function countPods(state: ClusterState, job: KubeObject): void {
  const counts = countsOf(state, job, podsOf(state, job));
  goOn(state, job, counts);
  const status = { ...job.status, ...counts, startTime: job.status?.startTime ?? timestamp() };
  if (JSON.stringify(status) === JSON.stringify(job.status)) return;
  job.status = status;
  state.objects.touch(job);
}

type Counts = ReturnType<typeof countsOf>;

function goOn(state: ClusterState, job: KubeObject, counts: Counts): void {
  const { succeeded, failed, active, terminating } = counts;
  const target = conditionOf(job, "SuccessCriteriaMet") ?? conditionOf(job, "FailureTarget");
  if (target !== undefined) {
    const type = target.type === "SuccessCriteriaMet" ? "Complete" : "Failed";
    if (active + terminating === 0) end(state, job, { ...target, type });
  } else if (succeeded + failed + active + terminating === 0) createPod(state, job);
  else if (succeeded > 0) setTarget(state, job, REACHED);
  else if (failed > (job.spec.backoffLimit ?? 6)) setTarget(state, job, EXCEEDED);
}

/** pkg/controller/job/job_controller.go: trackJobStatusAndRemoveFinalizers; what is counted stays counted. */
function countsOf(state: ClusterState, job: KubeObject, pods: readonly KubeObject[]) {
  const before = { succeeded: job.status?.succeeded ?? 0, failed: job.status?.failed ?? 0 };
  const fresh = pods.filter(({ metadata }) => metadata.finalizers?.includes(TRACKED));
  const ended = (phase: string) => fresh.filter(({ status }) => status?.phase === phase);
  const [succeeded, failed] = [ended("Succeeded"), ended("Failed")];
  for (const pod of [...succeeded, ...failed]) state.objects.finalize(pod, TRACKED);
  const running = pods.filter(({ status }) => ["Pending", "Running"].includes(status?.phase));
  // podReplacementPolicy Failed: what is being ended counts only when it has failed.
  const terminating = running.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  return {
    active: running.length - terminating.length,
    terminating: terminating.length,
    succeeded: before.succeeded + succeeded.length,
    failed: before.failed + failed.length,
  };
}

/** pkg/controller/podgc: what was deleted before it had a node has no kubelet that would end it. */
function collectUnscheduled({ objects }: ClusterState): void {
  for (const pod of objects.list("Pod")) {
    const isStuck = pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp !== undefined;
    if (!isStuck || pod.status?.phase === "Failed") continue;
    pod.status = { ...pod.status, phase: "Failed" };
    objects.touch(pod);
  }
}

function createPod(state: ClusterState, job: KubeObject): void {
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
      finalizers: [TRACKED],
      ownerReferences: [owner],
    },
    spec: structuredClone(spec),
  };
  try {
    const pod = state.objects.create("Pod", admit(state, POD, namespace, draft, false), namespace);
    if (pod === undefined) return;
    pod.status = { phase: "Pending" };
    state.emit(job, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    state.emit(job, "Warning", "FailedCreate", `Error creating: ${error.message}`);
  }
}

type Target = { readonly type: string; readonly reason: string; readonly message: string };

const REACHED: Target = {
  type: "SuccessCriteriaMet",
  reason: "CompletionsReached",
  message: "Reached expected number of succeeded pods",
};
const EXCEEDED: Target = {
  type: "FailureTarget",
  reason: "BackoffLimitExceeded",
  message: "Job has reached the specified backoff limit",
};

/** pkg/controller/job/job_controller.go, newSuccessCondition and newFailureCondition: the end comes in two steps. */
function setTarget(state: ClusterState, job: KubeObject, target: Target): void {
  const condition = { ...target, status: "True", lastTransitionTime: timestamp() };
  job.status = { ...job.status, conditions: [...(job.status?.conditions ?? []), condition] };
  state.objects.touch(job);
}

/** Only one that is complete has a time of completion. */
function end(state: ClusterState, job: KubeObject, target: Target): void {
  setTarget(state, job, target);
  if (target.type === "Complete") job.status.completionTime = timestamp();
}

function endOf(job: KubeObject): Json {
  return conditionOf(job, "Complete") ?? conditionOf(job, "Failed");
}

function conditionOf(job: KubeObject, type: string): Json {
  return (job.status?.conditions ?? []).find((one: Json) => one.type === type);
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
      state.objects.finalize(orphan, TRACKED);
      if (orphan.metadata.deletionTimestamp === undefined) orphan["collected"] = true;
      deletePod(state, orphan, undefined);
    } else state.objects.remove(orphan);
  }
}

/** Nobody counts a pod whose Job has left it: pkg/controller/job/job_controller.go, syncOrphanPod. */
export function release(state: ClusterState, pod: KubeObject): void {
  state.objects.finalize(pod, TRACKED);
}
