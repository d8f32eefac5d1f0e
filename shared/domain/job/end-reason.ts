// The closed list of why a job ended, and whose matter each of them is.

export type EndClass =
  | "success"
  /** The workflow, its program, or somebody who cancelled. Starting it again the same way ends the same. */
  | "user"
  /** Cards, machines, networks, GitHub. Starting it again may help. */
  | "infrastructure"
  /** A setting, an image, a permission: somebody has to change something first. */
  | "configuration";

/** The order is the one of docs/states.md. */
const CLASSES = {
  /** GitHub's conclusion is success or neutral; an API job's program returned, or its runner ran a workflow job. */
  succeeded: "success",
  /**
   * GitHub's conclusion is failure, or one that we do not know, and nothing is known of its worker that would explain it;
   * the job's log at GitHub tells more.
   */
  "workflow-job-failed": "user",
  /** Cancelled at GitHub after a runner had it. */
  "workflow-job-cancelled": "user",
  /** Cancelled while it waited: at GitHub, by `/cancel` or `/purge-queue`, or its worker was told to end. */
  "cancelled-before-pickup": "user",
  /** `/cancel` of an API job that a worker had. */
  cancelled: "user",
  /** GitHub skipped it: its `if:` was false. */
  skipped: "user",
  /** The workflow run that holds an API job ended. */
  "run-ended": "user",
  /** The worker's program reported an error, or never accepted the job. */
  "worker-failed": "user",
  /** The worker's program ended by itself, before it asked for the job or in the middle of it; the error has its last lines. */
  "program-died": "user",
  /** The program's result was too large to keep, or not JSON. */
  "result-refused": "user",
  /** It ran longer than its limit; from GitHub: `timed_out`. */
  "execution-timeout": "user",
  /** A program had it and had not ended within its ttl, which counts from its submission. */
  "ttl-expired": "user",
  /** No worker took it, or no workflow job came for its runner, within its ttl; or GitHub has not known it for a day. */
  "queue-timeout": "infrastructure",
  /** The last of several starts failed before the worker was ready. */
  "start-failed": "infrastructure",
  /** The last of several starts failed the check of its cards, or of the machine. */
  "preflight-failed": "infrastructure",
  /** The worker vanished while it may have been at work: crashed, out of memory, its machine gone. GitHub says failure. */
  "worker-lost": "infrastructure",
  /** Its runner ended in the middle: killed, out of memory. GitHub says failure, once it has missed the runner. */
  "runner-died": "infrastructure",
  /** Its worker was told to end in the middle: by an operator, its pool or its machine. GitHub says failure. */
  "worker-stopped": "infrastructure",
  /** The worker had the job and no longer knew of it: the result was lost on the way. */
  "result-lost": "infrastructure",
  /** Its input was no longer stored when a worker took it. */
  "input-lost": "infrastructure",
  /** The pool refused the container: an image name, a setting, a quota. */
  "start-refused": "configuration",
  /** GitHub refused to register the runner. */
  "registration-refused": "configuration",
  /** The image has no runner, or one that GitHub no longer admits. */
  "image-unusable": "configuration",
  /** The runner listened, and no workflow job asked for its label in time. */
  "never-picked-up": "configuration",
} as const satisfies { readonly [reason: string]: EndClass };

export type EndReason = keyof typeof CLASSES;

export const END_REASONS = Object.keys(CLASSES) as readonly EndReason[];

export function endClass(reason: EndReason): EndClass {
  return CLASSES[reason];
}
