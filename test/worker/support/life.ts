// Events of a worker's life and a way to play them, for the tests of the lifecycle.
import type { StartedJob } from "../../../shared/domain/started-job.ts";
import { advance, initialTransition } from "../../../worker/life/lifecycle.ts";
import type { WorkerEffect, WorkerEvent, WorkerState } from "../../../worker/life/worker-state.ts";
import type { RunnerMarker } from "../../../worker/runner/log-lines.ts";
import type { ProcessEnd } from "../../../worker/runner/runner-process.ts";

export const EXITED: Extract<ProcessEnd, { type: "exited" }> = {
  type: "exited",
  code: 0,
  signal: undefined,
  stragglers: 0,
  undead: 0,
};
export const taken: WorkerEvent = { type: "taken" };
export const passed: WorkerEvent = { type: "preflight-done", result: { ok: true } };
export const byToken: WorkerEvent = { type: "registered", kind: "token", own: false };
export const byPat: WorkerEvent = { type: "registered", kind: "token", own: true };
export const byJit: WorkerEvent = { type: "registered", kind: "jit", own: false };
export const configured: WorkerEvent = { type: "configured" };
export const marker = (given: RunnerMarker): WorkerEvent => ({ type: "marker", marker: given });
export const listening = marker({ type: "listening" });
export const running = marker({ type: "running", jobName: "build" });
export const completed = marker({ type: "completed", jobName: "build", result: "Succeeded" });
export const ended = (end: ProcessEnd = EXITED): WorkerEvent => ({ type: "runner-ended", end });
export const STARTED_JOB: StartedJob = {
  repository: "acme/kernels",
  repositoryId: 81,
  runId: 7_001,
  runAttempt: 1,
  job: "build",
  workflowRef: "acme/kernels/.github/workflows/ci.yml@refs/heads/main",
  event: "push",
};
export const hookStarted = (refusal?: string): WorkerEvent => ({
  type: "hook",
  news: { type: "started", started: STARTED_JOB, refusal },
});
export const hookCompleted: WorkerEvent = {
  type: "hook",
  news: { type: "completed", ran: { ...STARTED_JOB, ranMs: 5 } },
};
export const drain: WorkerEvent = { type: "drain-asked", reason: "surplus" };
export const signal: WorkerEvent = { type: "signal" };
export const graceOver: WorkerEvent = { type: "grace-over" };
export const refused: WorkerEvent = { type: "start-failed", outcome: "registration-refused", message: "no" };
export const PREPARED = [taken, passed, byJit];

export function play(...events: WorkerEvent[]): {
  state: WorkerState;
  effects: WorkerEffect[];
  last: WorkerEffect[];
} {
  let { state } = initialTransition;
  const effects: WorkerEffect[] = [];
  let last: WorkerEffect[] = [];
  for (const event of events) {
    const next = advance(state, event);
    state = next.state;
    last = [...next.effects];
    effects.push(...last);
  }
  return { state, effects, last };
}

export const types = (effects: readonly WorkerEffect[]) => effects.map(({ type }) => type);
