// What becomes of a worker whose pool, tenant or endpoint is drained: what runs goes on to its end, what idles is ended.

import type { EndpointLimits } from "../admission/endpoint.ts";
import { OPERATOR_DRAIN_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import { hadJob } from "../worker-report.ts";
import type { Worker } from "./worker.ts";
import { isIdleProgram } from "./worker-lease.ts";
import { draining, finished, recalled } from "./worker-steps.ts";

type Step = { readonly now: EpochMs; readonly limits: EndpointLimits };

/**
 * Undefined: it goes on, at least for now. A runner that listens is asked, like any idle one; but not while GitHub may be
 * giving it a job at this very moment. One without a registration cannot have a job and is ended at once. A runner of an
 * API job has its job from its first call on, and that ends by its own limits.
 */
export function calledOff(worker: Worker, step: Step): Worker | undefined {
  if (worker.kind === "program") return isIdleProgram(worker) ? finished(worker, DRAINED, step) : undefined;
  if (worker.kind === "api-runner" || worker.drain !== undefined) return undefined;
  const { listening = step.now } = worker.phases;
  if (worker.state === "listening" && step.now - listening >= OPERATOR_DRAIN_MS) {
    return draining(worker, "operator", step);
  }
  // One that is `reserving` is being started: a stop that overtakes that would find nothing to stop.
  const mayEnd = (worker.state === "starting" || worker.state === "booted") && !worker.registered;
  return mayEnd ? recalled(worker, "operator", step) : undefined;
}

/** It was ended by a drain, and not for anything that it or its job has done. */
export function wasCalledOff({ drain, report, phases }: Worker): boolean {
  const ran = hadJob(report) || phases.running !== undefined;
  return drain?.reason === "operator" && !ran;
}

const DRAINED = {
  outcome: "idle",
  message: "it had no job, and the operator drains its pool, tenant or endpoint",
  runnerExit: undefined,
  jobName: undefined,
  result: undefined,
} as const;
