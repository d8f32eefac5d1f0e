// Kueue and Volcano, where a cluster has them: each a function from a Job to the same Job under that queue.
import type { V1Job } from "@kubernetes/client-node";
import type { QueueSettings } from "../settings.ts";

export const KUEUE_QUEUE = "kueue.x-k8s.io/queue-name";
const KUEUE_PRIORITY = "kueue.x-k8s.io/priority-class";
const VOLCANO_QUEUE = "scheduling.volcano.sh/queue-name";

export function underQueue(job: V1Job, queue: QueueSettings): V1Job {
  if (queue.type === "kueue") return underKueue(job, queue.queue, queue.priorityClass);
  return queue.type === "volcano" ? underVolcano(job, queue.queue) : job;
}

/**
 * Kueue resumes the Job when it has quota. Suspended from the start, so that it waits even where Kueue's webhook is away.
 */
function underKueue(job: V1Job, queue: string, priorityClass: string | undefined): V1Job {
  const labels = {
    ...job.metadata?.labels,
    [KUEUE_QUEUE]: queue,
    ...(priorityClass !== undefined && { [KUEUE_PRIORITY]: priorityClass }),
  };
  return {
    ...job,
    metadata: { ...job.metadata, labels },
    spec: { ...(job.spec ?? { template: {} }), suspend: true },
  };
}

/** Volcano makes the pod group of a plain Job by itself; it reads the queue from the pod. */
function underVolcano(job: V1Job, queue: string | undefined): V1Job {
  const template = job.spec?.template ?? {};
  const annotations = {
    ...template.metadata?.annotations,
    ...(queue !== undefined && { [VOLCANO_QUEUE]: queue }),
  };
  const spec = { ...(template.spec ?? { containers: [] }), schedulerName: "volcano" };
  return {
    ...job,
    spec: { ...job.spec, template: { ...template, metadata: { ...template.metadata, annotations }, spec } },
  };
}
