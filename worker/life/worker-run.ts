// What the steps of one run of a worker share: its means, and what it has learnt so far.

import type { RegistrationAnswer } from "../../shared/protocol/worker-plane.ts";
import type { Heartbeats } from "../dispatcher/heartbeat.ts";
import type { RunPodClient } from "../dispatcher/runpod-client.ts";
import type { Hooks } from "../hooks/hooks.ts";
import type { RunProgram } from "../process/run-program.ts";
import type { DiagLogs } from "../runner/diag-logs.ts";
import type { GitHubClient } from "../runner/github-client.ts";
import type { RunnerPlan } from "../runner/runner-plan.ts";
import type { RunnerProcess } from "../runner/runner-process.ts";
import type { WorkerDeps } from "./worker-deps.ts";

export type WorkerRun = WorkerDeps & {
  readonly client: RunPodClient;
  readonly heartbeats: Heartbeats;
  readonly run: RunProgram;
  /** Aborted when what comes before the runner is abandoned. */
  readonly preparing: AbortSignal;
  readonly learnt: Learnt;
};

/** Filled step by step; each step finds what the ones before it left. */
type Learnt = {
  jobId: string;
  /** Where the runner is; its own copy once that is made. */
  home: string;
  /** Variables for the runner, where its user's home has no place for its cache. */
  serviceCache: Record<string, string>;
  plan: RunnerPlan | undefined;
  /** Once they are in the runner's folder. */
  hooks: Hooks | undefined;
  /** Only for a registration of our own. */
  github: GitHubClient | undefined;
  registration: RegistrationAnswer | undefined;
  runner: RunnerProcess | undefined;
  /** Once the runner has a folder to trace into. */
  diag: DiagLogs | undefined;
  /** Aborted when the runner is asked to end: what comes after it must be quick. */
  readonly interrupted: AbortController;
};

export function planOf({ learnt }: WorkerRun): RunnerPlan {
  if (learnt.plan === undefined) throw new Error("A step came before job-take: a fault of the lifecycle.");
  return learnt.plan;
}
