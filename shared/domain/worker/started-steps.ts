// From the hook's word to a pairing that GitHub has confirmed: what is to be done next, and what is written of it.
import { GITHUB_RECHECK_MS, GITHUB_WORD_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Job } from "../job/job.ts";
import type { StartedJob } from "../started-job.ts";
import type { Worker } from "./worker.ts";
import { isServing } from "./worker.ts";

type BindingStep = "none" | "settle" | "wait" | "ask";

/** GitHub's list of a run's jobs names the runner some seconds late; after this many tries something else is wrong. */
const MAX_ASKS = 5;

/** `job`: the one that the worker points to. */
export function nextBindingStep(worker: Worker, job: Job | undefined, now: EpochMs): BindingStep {
  const { binding } = worker;
  if (binding === undefined || binding.settled) return "none";
  if (isPaired(worker, job, binding.started) || binding.asked >= MAX_ASKS) return "settle";
  // First time for GitHub's own event, which costs no call; then time for its list to catch up.
  const dueAt =
    binding.askedAt === undefined ? binding.heardAt + GITHUB_WORD_MS : binding.askedAt + GITHUB_RECHECK_MS;
  return now < dueAt ? "wait" : "ask";
}

/** The hook's word, noted. The first one stays: later ones come from a machine on which the job has had its way. */
export function heardOf(worker: Worker, started: StartedJob, now: EpochMs): Worker | undefined {
  if (worker.binding !== undefined || !isServing(worker)) return undefined;
  if (worker.kind === "program") return undefined;
  // An API job's runner is paired with no job of GitHub's: its word only tells whose job would be stopped with it.
  const settled = worker.kind === "api-runner";
  const binding = { started, heardAt: now, asked: 0, askedAt: undefined, settled };
  return { ...worker, binding };
}

/** Undefined when there is nothing to settle. */
export function settledBinding(worker: Worker): Worker | undefined {
  if (worker.binding === undefined || worker.binding.settled) return undefined;
  return { ...worker, binding: { ...worker.binding, settled: true } };
}

/** Written before GitHub is asked, so that a crash or a second ping does not ask twice. */
export function askedBinding(worker: Worker, now: EpochMs): Worker | undefined {
  const { binding } = worker;
  if (binding === undefined || binding.settled) return undefined;
  const next = { ...binding, asked: binding.asked + 1, askedAt: now };
  return { ...worker, binding: next };
}

/** GitHub has named our runner for the worker's job, and that job is of the run which the hook named. */
function isPaired(worker: Worker, job: Job | undefined, started: StartedJob): boolean {
  return (
    job?.workerId === worker.id &&
    job.github?.runner?.name === worker.id &&
    job.github.runId === started.runId &&
    job.github.runAttempt === started.runAttempt
  );
}
