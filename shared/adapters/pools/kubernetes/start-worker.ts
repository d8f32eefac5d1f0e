// Starts a worker: its Job, whose name makes a second start meet the first, then the Secret that its pod waits for.
//
// The Secret comes second because the Job must own it. Until it is there the kubelet does not start the container, and
// a start that was cut off between the two is completed by the next one. So no Secret is ever left without a Job.
import type { V1Job } from "@kubernetes/client-node";
import type { Log } from "../../../ports/log.ts";
import type { StartOutcome, StartSpec } from "../../../ports/pool-driver.ts";
import { ApiFault } from "./api-fault.ts";
import type { Cluster } from "./cluster.ts";
import { cardObjection } from "./job/card-resources.ts";
import { type WorkerPlan, workerJob, workerSecret } from "./job/worker-job.ts";
import { LABEL, MANAGER, namespaceOf, type Owner, ownerLabels } from "./names.ts";
import type { NamespaceNotes } from "./namespace-notes.ts";
import type { KubernetesSettings } from "./settings.ts";
import {
  isFull,
  isMissingNamespace,
  isRbacDenial,
  type StartFailure,
  startOutcome,
} from "./start-outcome.ts";

export type StartDeps = {
  readonly settings: KubernetesSettings;
  readonly owner: Owner;
  readonly cluster: Cluster;
  readonly log: Log;
  readonly notes: NamespaceNotes;
};

export async function startWorker(spec: StartSpec, deps: StartDeps): Promise<StartOutcome> {
  const plan = planOf(spec, deps);
  if (typeof plan === "string") return { type: "refused", message: plan };
  try {
    return await launch(plan, deps);
  } catch (error) {
    if (error instanceof ApiFault) return outcomeOf(error, plan, deps);
    throw error;
  }
}

function outcomeOf(fault: ApiFault, { namespace }: WorkerPlan, { settings, notes }: StartDeps): StartFailure {
  const { template } = settings.namespace;
  return startOutcome(fault, notes.moment(template, namespace, fault));
}

/** The first call of a start has failed: there is nothing of it, unless an earlier one has made something. */
function beforeAll(failure: StartFailure): StartFailure {
  return failure.type === "unavailable" ? { ...failure, madeNothing: true } : failure;
}

/** Or why there can be none. */
function planOf(spec: StartSpec, { settings, owner }: StartDeps): WorkerPlan | string {
  const image = spec.image ?? settings.image;
  if (image === undefined) {
    return `Neither endpoint ${spec.endpoint} nor pool ${settings.name} names an image. Set image for one of them.`;
  }
  const namespace = namespaceOf(settings.namespace.template, spec);
  if (namespace === undefined) {
    return `The namespace ${settings.namespace.template} of pool ${settings.name} needs the owner's login or the repository's name, and this job has none.`;
  }
  return cardObjection(spec.cards, settings) ?? { spec, settings, owner, namespace, image };
}

/** The server looked at the Job itself; other answers say nothing of it. */
const JUDGED = new Set([400, 403, 409, 422]);

async function launch(plan: WorkerPlan, deps: StartDeps): Promise<StartOutcome> {
  const job = workerJob(plan);
  const first = await admission(job, plan, deps);
  const objection = first ?? (await create(job, plan, deps));
  if (!(objection instanceof ApiFault)) return objection;
  // An earlier start may have made it: of the same name, or on the very quota that is used up now.
  const found = JUDGED.has(objection.status ?? 0) ? await findJob(plan, deps) : undefined;
  if (found !== undefined) return await join(found, plan, deps);
  const outcome = outcomeOf(objection, plan, deps);
  return first !== undefined || isRefusal(objection) ? beforeAll(outcome) : outcome;
}

/** The server has said no to the Job, and so has none. */
function isRefusal({ status = 0 }: ApiFault): boolean {
  return status >= 400 && status < 500;
}

async function create(job: V1Job, plan: WorkerPlan, deps: StartDeps): Promise<StartOutcome | ApiFault> {
  let made: V1Job;
  try {
    made = await deps.cluster.createJob(plan.namespace, job);
  } catch (error) {
    if (error instanceof ApiFault) return error;
    throw error;
  }
  return await complete(made, plan, deps);
}

/** Where it cannot be read, what the server has said first counts. */
async function findJob({ namespace, spec }: WorkerPlan, { cluster }: StartDeps): Promise<V1Job | undefined> {
  try {
    return await cluster.readJob(namespace, spec.workerId);
  } catch (error) {
    if (error instanceof ApiFault) return undefined;
    throw error;
  }
}

/**
 * Kubernetes takes any Job and objects to its pod later, in an event. One dry run asks first, so that a full quota or
 * a wrong setting is the answer to the start. It is left out where the role has no `create` on pods.
 */
async function admission(job: V1Job, plan: WorkerPlan, deps: StartDeps): Promise<ApiFault | undefined> {
  const template = job.spec?.template ?? {};
  const metadata = { ...template.metadata, generateName: `${plan.spec.workerId}-` };
  const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: template.spec ?? { containers: [] } };
  try {
    await deps.cluster.tryPod(plan.namespace, pod);
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    if (isMissingNamespace(error) && deps.settings.namespace.create) {
      await createNamespace(plan.namespace, deps);
      return undefined;
    }
    return saysNothing(error, deps.settings.queue) ? undefined : error;
  }
}

function saysNothing(fault: ApiFault, queue: KubernetesSettings["queue"]): boolean {
  if (isRbacDenial(fault)) return true;
  if (fault.status === 400 && /dry run/i.test(fault.message)) return true; // a webhook that cannot
  // Kueue starts the pod when there is room.
  return queue.type === "kueue" && isFull(fault);
}

async function createNamespace(name: string, { settings, cluster, log }: StartDeps): Promise<void> {
  const labels = {
    ...settings.namespace.labels,
    [LABEL.managedBy]: MANAGER,
  };
  try {
    await cluster.createNamespace({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
    log.info("namespace-created", { pool: settings.name, message: name });
  } catch (error) {
    if (!(error instanceof ApiFault) || error.status !== 409) throw error; // another start was first
  }
}

/** A Job of this name is there: of an earlier start, of one at the same time, or a stranger's. */
async function join(job: V1Job, plan: WorkerPlan, deps: StartDeps): Promise<StartOutcome> {
  const { spec, owner, namespace } = plan;
  const expected = Object.entries({ ...ownerLabels(owner), [LABEL.worker]: spec.workerId });
  if (expected.some(([key, value]) => job.metadata?.labels?.[key] !== value)) {
    const message = `The namespace ${namespace} has a Job ${spec.workerId} of somebody else. Delete it, or use another namespace.`;
    return { type: "refused", message };
  }
  return await complete(job, plan, deps);
}

async function complete(job: V1Job, plan: WorkerPlan, deps: StartDeps): Promise<StartOutcome> {
  const { namespace, spec } = plan;
  try {
    await deps.cluster.createSecret(namespace, workerSecret(plan, job.metadata?.uid ?? ""));
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    if (error.status === 409) return { type: "started" };
    const outcome = outcomeOf(error, plan, deps);
    // Its container would wait for the Secret for ever.
    if (outcome.type === "refused" || isRbacDenial(error))
      await deps.cluster.deleteJob(namespace, spec.workerId);
    return outcome;
  }
  deps.notes.worked(namespace);
  return { type: "started" };
}
