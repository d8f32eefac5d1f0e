// Why a job is not running yet: one code of a closed list, and a sentence or two for whoever waits.
import type { EpochMs } from "../ids.ts";
import type { HoldReason, Job, Phase } from "../job/job.ts";
import { isTerminal } from "../job/job.ts";
import type { Worker } from "../worker/worker.ts";
import type { WaitView, WhyWaiting } from "./wait-view.ts";
import { whyQueued } from "./why-queued.ts";
import { phaseOfWorker, whySettling, whyStarting } from "./why-starting.ts";

/** Undefined for a job that has ended, and for one that runs: unless its worker does not serve it any more. */
export function whyWaiting(view: WaitView): WhyWaiting | undefined {
  const phase = phaseOf(view.job, view.worker);
  if (phase === "done") return undefined;
  if (phase === "running") return whySettling(view);
  return whyHeld(view.job) ?? (view.job.workerId === undefined ? whyQueued(view) : whyStarting(view));
}

/** Labels that nearly are an endpoint's: `reason` says what is wrong with them. No job is made of such a workflow job. */
export function whyNotServed(reason: string, since: EpochMs): WhyWaiting {
  return { code: "labels-not-served", message: `No endpoint serves these labels: ${reason}`, since };
}

/** `worker`: the one that the job names; undefined where it is not known. */
export function phaseOf(job: Job, worker: Worker | undefined): Phase {
  if (isTerminal(job)) return "done";
  if (job.state === "IN_PROGRESS" && job.api?.runner === undefined) return "running";
  if (job.hold !== undefined) return "held";
  if (job.workerId === undefined) return "queued";
  return worker === undefined ? "starting" : phaseOfWorker(worker);
}

const WHAT_NOW: { readonly [reason in HoldReason]: string } = {
  "environment-gate": "",
  "start-failed": "It is tried again slowly; if the reason stays, mend the image, the endpoint or the pool.",
  "start-backoff": "It is tried again soon; nothing is to be done.",
  "registration-refused":
    "Check the GitHub App's permissions and the runner group; then it goes on with the next try.",
  "not-assigned": "It is tried again by itself.",
  "awaits-probe": "Nothing is to be done.",
  "endpoint-removed": "Put it back, or cancel the job.",
  "late-delivery": "Nothing is to be done.",
  "unknown-to-github": "",
};

/** The job alone tells; undefined for one that is not held. */
export function whyHeld({ hold, phases, createdAt }: Job): WhyWaiting | undefined {
  if (hold === undefined) return undefined;
  const { reason: code, until } = hold;
  const message = `${sentence(hold.message)} ${WHAT_NOW[code]}`.trimEnd();
  return { code, message, since: phases.held ?? createdAt, ...(until === undefined ? {} : { until }) };
}

function sentence(text: string): string {
  const start = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?…)]$/.test(start) ? start : `${start}.`;
}
