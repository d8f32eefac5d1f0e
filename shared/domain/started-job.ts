// What the runner's own hook says of the workflow job that it was given: exact, and in time where GitHub's `in_progress`
// is lost. It comes from the machine that runs the job, so it only ever makes us ask GitHub; GitHub's answer is what
// counts.
import type { EpochMs } from "./ids.ts";

export type StartedJob = {
  /** `owner/name` */
  readonly repository: string;
  readonly repositoryId: number;
  readonly runId: number;
  readonly runAttempt: number;
  /** The job's key in its workflow file; not the name that GitHub shows. */
  readonly job: string;
  /** `owner/name/.github/workflows/ci.yml@refs/heads/main` */
  readonly workflowRef: string;
  /** `push`, `pull_request`, … */
  readonly event: string;
};

/**
 * For accounting: what a worker ran, and for how long from the first hook to the last; absent when the last did not run.
 */
export type RanJob = StartedJob & { readonly ranMs?: number | undefined };

/** How far the pairing of a worker with the job that its hook named has come. */
export type Binding = {
  readonly started: StartedJob;
  readonly heardAt: EpochMs;
  /** How often GitHub was asked for it, and when last. */
  readonly asked: number;
  readonly askedAt: EpochMs | undefined;
  /** Paired, or given up: the end of the worker makes us ask about its job anyway. */
  readonly settled: boolean;
};
