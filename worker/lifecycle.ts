// The life of a worker as a pure state machine: event → next state and effects as data. Nothing here waits, starts or sends.
//
//   taking → preflight → registering ──token──> configuring → starting → listening → running
//      |         |            \___________jit___________________/            |          |
//      |         \___________________________|_______________________________|__________/
//      v                                     v  the first cause of an end wins
//    ended <───────────────── reporting <── deregistering (own registration that took no job)
import type { WorkerReport } from "../shared/domain/worker-report.ts";
import type { PingPhase } from "../shared/protocol/worker-plane.ts";
import { EXIT_NO_JOB } from "./exit-codes.ts";
import type { RunnerMarker } from "./log-lines.ts";
import type { PreflightResult } from "./preflight-verdict.ts";
import type { ProcessEnd } from "./runner-process.ts";
import { FINISHED_GRACE_MS, LINGER_MS, RUNNER_GRACE_MS } from "./time-limits.ts";
import { concludeReport, type Ending, type FailedStart } from "./worker-end.ts";

export type Step =
  | "taking"
  | "preflight"
  | "registering"
  | "configuring"
  | "starting"
  | "listening"
  | "running"
  | "deregistering"
  | "reporting"
  | "ended";

export type WorkerState = {
  readonly step: Step;
  /** Why it ends; the first cause stays. */
  readonly ending: Ending | undefined;
  /** Stop signals so far. */
  readonly signals: number;
  /** The runner has been interrupted. */
  readonly interrupted: boolean;
  readonly listened: boolean;
  /** Set once the runner printed `Running job`. */
  readonly jobName: string | undefined;
  readonly result: string | undefined;
  /** A marker that explains an end: too old, deleted, session conflict. */
  readonly remark: RunnerMarker["type"] | undefined;
  /** This worker made the registration itself and must take it back when no job used it up. */
  readonly ownRegistration: boolean;
  readonly report: WorkerReport | undefined;
  readonly exitCode: number;
};

export type WorkerEvent =
  | { readonly type: "taken" }
  | { readonly type: "no-job" }
  | { readonly type: "preflight-done"; readonly result: PreflightResult }
  | { readonly type: "registered"; readonly kind: "token" | "jit"; readonly own: boolean }
  | { readonly type: "configured" }
  /** A step before the runner failed for good. */
  | { readonly type: "start-failed"; readonly outcome: FailedStart; readonly message: string }
  | { readonly type: "marker"; readonly marker: RunnerMarker }
  | { readonly type: "runner-ended"; readonly end: ProcessEnd }
  | { readonly type: "drain-asked"; readonly reason: string }
  | { readonly type: "signal" }
  | { readonly type: "grace-over" }
  | { readonly type: "deregistered" }
  | { readonly type: "reported" };

export type WorkerEffect =
  | { readonly type: "take" }
  | { readonly type: "preflight" }
  | { readonly type: "register" }
  | { readonly type: "configure" }
  | { readonly type: "start-runner" }
  | { readonly type: "ping"; readonly phase: PingPhase; readonly jobName: string | undefined }
  /** End what runs before the runner: a request, npu-smi, config.sh. Its late events are ignored. */
  | { readonly type: "abandon" }
  | { readonly type: "interrupt-runner" }
  | { readonly type: "kill-runner" }
  /** `grace-over` after this; replaces an earlier one. */
  | { readonly type: "arm-grace"; readonly ms: number }
  | { readonly type: "refuse-drain"; readonly reason: string }
  | { readonly type: "deregister" }
  | { readonly type: "report"; readonly report: WorkerReport }
  /** Give up reporting after this long. */
  | { readonly type: "hurry-report"; readonly ms: number }
  | { readonly type: "exit"; readonly code: number };

export type Transition = { readonly state: WorkerState; readonly effects: readonly WorkerEffect[] };

export const initialTransition: Transition = {
  state: {
    step: "taking",
    ending: undefined,
    signals: 0,
    interrupted: false,
    listened: false,
    jobName: undefined,
    result: undefined,
    remark: undefined,
    ownRegistration: false,
    report: undefined,
    exitCode: 0,
  },
  effects: [{ type: "take" }],
};

/** Events that do not belong to the step are late: they change nothing. */
export function advance(state: WorkerState, event: WorkerEvent): Transition {
  switch (event.type) {
    case "taken":
      return go(state, "taking", "preflight", [ping("preflight"), { type: "preflight" }]);
    case "no-job":
      return state.step === "taking" ? end(state, EXIT_NO_JOB) : stay(state);
    case "preflight-done":
      return onPreflight(state, event.result);
    case "registered":
      return onRegistered(state, event.kind, event.own);
    case "configured":
      return go(state, "configuring", "starting", [{ type: "start-runner" }]);
    case "start-failed":
      return isPreparing(state) ? conclude(state, { type: "failed", outcome: event.outcome, message: event.message }) : stay(state);
    case "marker":
      return hasRunner(state) ? onMarker(state, event.marker) : stay(state);
    case "runner-ended":
      return hasRunner(state) ? conclude(state, { type: "runner-ended" }, event.end) : stay(state);
    case "drain-asked":
      return onDrain(state, event.reason);
    case "signal":
      return onSignal({ ...state, signals: state.signals + 1 });
    case "grace-over":
      return onGraceOver(state);
    case "deregistered":
      return state.step === "deregistering" ? report(state) : stay(state);
    case "reported":
      return state.step === "reporting" ? end(state, state.exitCode) : stay(state);
  }
}

function onPreflight(state: WorkerState, result: PreflightResult): Transition {
  if (result.ok) return go(state, "preflight", "registering", [ping("registering"), { type: "register" }]);
  return state.step === "preflight" ? conclude(state, { type: "preflight-failed", ...result }) : stay(state);
}

function onRegistered(state: WorkerState, kind: "token" | "jit", own: boolean): Transition {
  const next = { ...state, ownRegistration: own };
  return kind === "jit"
    ? go(next, "registering", "starting", [{ type: "start-runner" }])
    : go(next, "registering", "configuring", [{ type: "configure" }]);
}

function onMarker(state: WorkerState, marker: RunnerMarker): Transition {
  switch (marker.type) {
    case "listening":
      if (state.step !== "starting") return stay(state);
      return { state: { ...state, step: "listening", listened: true }, effects: [ping("listening")] };
    case "running": {
      // A second `Running job` of one runner would be a fault of GitHub's; the first name stays.
      if (state.jobName !== undefined) return stay(state);
      const jobName = marker.jobName;
      return { state: { ...state, step: "running", listened: true, jobName }, effects: [ping("running", jobName)] };
    }
    case "completed": {
      if (state.result !== undefined) return stay(state);
      const next = { ...state, result: marker.result, ending: state.ending ?? { type: "runner-ended" as const } };
      return { state: next, effects: state.interrupted ? [] : [{ type: "arm-grace", ms: LINGER_MS }] };
    }
    default:
      return stay({ ...state, remark: state.remark ?? marker.type });
  }
}

/** Only the worker knows whether its runner has a job: it refuses then, and ends in every other state. */
function onDrain(state: WorkerState, reason: string): Transition {
  if (state.jobName !== undefined) return { state, effects: [{ type: "refuse-drain", reason }] };
  if (state.ending !== undefined) return stay(state);
  if (isPreparing(state)) return conclude(state, { type: "drained", reason });
  if (!hasRunner(state)) return stay(state);
  return interrupt({ ...state, ending: { type: "drained", reason } }, RUNNER_GRACE_MS);
}

function onSignal(state: WorkerState): Transition {
  if (state.step === "taking") return end(state, 143, [{ type: "abandon" }]);
  if (isPreparing(state)) return conclude(state, { type: "signalled" });
  if (!hasRunner(state)) return { state, effects: [{ type: "hurry-report", ms: FINISHED_GRACE_MS }] };
  const next = { ...state, ending: state.ending ?? { type: "signalled" as const } };
  if (!state.interrupted) return interrupt(next, state.signals > 1 ? FINISHED_GRACE_MS : RUNNER_GRACE_MS);
  return { state: next, effects: state.signals > 1 ? [{ type: "arm-grace", ms: FINISHED_GRACE_MS }] : [] };
}

function onGraceOver(state: WorkerState): Transition {
  if (!hasRunner(state)) return stay(state);
  // First for a runner that lingers after its job: it gets the chance to end by itself.
  return state.interrupted ? { state, effects: [{ type: "kill-runner" }] } : interrupt(state, RUNNER_GRACE_MS);
}

function interrupt(state: WorkerState, graceMs: number): Transition {
  const effects: WorkerEffect[] = [{ type: "interrupt-runner" }, { type: "arm-grace", ms: graceMs }];
  return { state: { ...state, interrupted: true }, effects };
}

function conclude(state: WorkerState, cause: Ending, end?: ProcessEnd): Transition {
  const abandon: WorkerEffect[] = hasRunner(state) ? [] : [{ type: "abandon" }];
  const concluded = { ...state, ending: state.ending ?? cause };
  const next = { ...concluded, ...concludeReport(concluded, end) };
  if (!state.ownRegistration || state.jobName !== undefined) return report(next, abandon);
  return { state: { ...next, step: "deregistering" }, effects: [...abandon, { type: "deregister" }] };
}

function report(state: WorkerState, before: readonly WorkerEffect[] = []): Transition {
  if (!state.report) return end(state, state.exitCode, before);
  const effects: WorkerEffect[] = [...before, { type: "report", report: state.report }];
  // Somebody waits for this process to end; result.json has the report already.
  if (state.signals > 0) effects.push({ type: "hurry-report", ms: FINISHED_GRACE_MS });
  return { state: { ...state, step: "reporting" }, effects };
}

function end(state: WorkerState, code: number, before: readonly WorkerEffect[] = []): Transition {
  return { state: { ...state, step: "ended", exitCode: code }, effects: [...before, { type: "exit", code }] };
}

function go(state: WorkerState, from: Step, to: Step, effects: readonly WorkerEffect[]): Transition {
  return state.step === from ? { state: { ...state, step: to }, effects } : stay(state);
}

function stay(state: WorkerState): Transition {
  return { state, effects: [] };
}

function ping(phase: PingPhase, jobName?: string): WorkerEffect {
  return { type: "ping", phase, jobName };
}

function isPreparing({ step }: WorkerState): boolean {
  return step === "taking" || step === "preflight" || step === "registering" || step === "configuring";
}

function hasRunner({ step }: WorkerState): boolean {
  return step === "starting" || step === "listening" || step === "running";
}
