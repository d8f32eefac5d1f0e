// The life of a worker as a pure state machine: event → next state and effects as data. Nothing here waits, starts or
// sends.
//
//   taking → preflight → registering ──token──> configuring → starting → listening → running
//      |         |            \___________jit___________________/            |          |
//      |         \___________________________|_______________________________|__________/
//      v                                     v  the first cause of an end wins
//    ended <───────────────── reporting <── deregistering (own registration that took no job)
import { FINISHED_GRACE_MS } from "../../shared/domain/deadlines.ts";
import type { WorkerReport } from "../../shared/domain/worker-report.ts";
import type { PingPhase } from "../../shared/protocol/worker-plane.ts";
import { EXIT_NO_JOB, EXIT_STOPPED } from "../exit-codes.ts";
import type { HookNews } from "../hooks/hook-reports.ts";
import type { PreflightResult } from "../preflight/preflight-verdict.ts";
import type { RunnerMarker } from "../runner/log-lines.ts";
import type { ProcessEnd } from "../runner/runner-process.ts";
import { LINGER_MS, REFUSED_MS, RUNNER_GRACE_MS } from "../time-limits.ts";
import { concludeReport, type Ending } from "./worker-end.ts";
import type { Step, WorkerEffect, WorkerEvent, WorkerState } from "./worker-state.ts";

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
    lastWord: undefined,
    ran: undefined,
    refusal: undefined,
    residue: undefined,
    lastError: undefined,
    lastLines: [],
    memoryKills: undefined,
    ownRegistration: false,
    report: undefined,
    exitCode: 0,
  },
  effects: [{ type: "take" }],
};

/** Events that do not belong to the step are late, and change nothing. */
export function advance(state: WorkerState, event: WorkerEvent): Transition {
  if (!STEPS_OF[event.type].includes(state.step)) return stay(state);
  switch (event.type) {
    case "taken":
      return go(state, "preflight", [ping("preflight"), { type: "preflight" }]);
    case "no-job":
      return end(state, EXIT_NO_JOB);
    case "preflight-done":
      return onPreflight(state, event.result);
    case "registered":
      return onRegistered(state, event.kind, event.own);
    case "configured":
      return go(state, "starting", [{ type: "start-runner" }]);
    case "start-failed":
      return conclude(state, { type: "failed", outcome: event.outcome, message: event.message });
    case "marker":
      return onMarker(state, event.marker);
    case "hook":
      return onHook(state, event.news);
    case "runner-ended":
      return onRunnerEnded(state, event);
    case "drain-asked":
      return onDrain(state, event.reason);
    case "signal":
      return onSignal({ ...state, signals: state.signals + 1 });
    case "grace-over":
      return onGraceOver(state);
    case "deregistered":
      return state.report ? tell(state, state.report) : stay(state);
    case "reported":
      return end(state, state.exitCode);
  }
}

const PREPARING: readonly Step[] = ["taking", "preflight", "registering", "configuring"];
const WITH_RUNNER: readonly Step[] = ["starting", "listening", "running"];
const ENDING: readonly Step[] = ["deregistering", "reporting"];

const STEPS_OF: { readonly [type in WorkerEvent["type"]]: readonly Step[] } = {
  taken: ["taking"],
  "no-job": ["taking"],
  "preflight-done": ["preflight"],
  registered: ["registering"],
  configured: ["configuring"],
  // From what comes after the runner's end, too.
  "start-failed": [...PREPARING, ...WITH_RUNNER],
  marker: WITH_RUNNER,
  hook: WITH_RUNNER,
  "runner-ended": WITH_RUNNER,
  "drain-asked": [...PREPARING, ...WITH_RUNNER],
  signal: [...PREPARING, ...WITH_RUNNER, ...ENDING],
  "grace-over": WITH_RUNNER,
  deregistered: ["deregistering"],
  reported: ["reporting"],
};

function onPreflight(state: WorkerState, result: PreflightResult): Transition {
  if (result.ok) return go(state, "registering", [ping("registering"), { type: "register" }]);
  const { code, message, badCards } = result;
  return conclude(state, { type: "preflight-failed", code, message, badCards });
}

function onRegistered(state: WorkerState, kind: "token" | "jit", own: boolean): Transition {
  const next = { ...state, ownRegistration: own };
  return kind === "jit"
    ? go(next, "starting", [{ type: "start-runner" }])
    : go(next, "configuring", [{ type: "configure" }]);
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
      return {
        state: { ...state, step: "running", listened: true, jobName },
        effects: [ping("running", jobName)],
      };
    }
    case "completed": {
      if (state.result !== undefined) return stay(state);
      const next = {
        ...state,
        // Its first line may have been lost; a job that has a result had run.
        jobName: state.jobName ?? marker.jobName,
        result: marker.result,
        ending: state.ending ?? { type: "runner-ended" as const },
      };
      return { state: next, effects: state.interrupted ? [] : [{ type: "arm-grace", ms: LINGER_MS }] };
    }
    case "listener-ended":
      return stay({ ...state, lastWord: marker.line });
    default:
      return stay({ ...state, remark: state.remark ?? marker.type });
  }
}

function onHook(state: WorkerState, news: HookNews): Transition {
  if (news.type === "completed") return stay({ ...state, ran: news.ran });
  const { started, refusal } = news;
  const heartbeat = { phase: "running", jobName: state.jobName ?? started.job, started } as const;
  const effects: WorkerEffect[] = [{ type: "ping", heartbeat }];
  if (refusal !== undefined && !state.interrupted) effects.push({ type: "arm-grace", ms: REFUSED_MS });
  // Whatever the log says: of another runner its lines may have other words.
  const jobName = state.jobName ?? started.job;
  return { state: { ...state, step: "running", listened: true, jobName, ran: started, refusal }, effects };
}

function onRunnerEnded(
  state: WorkerState,
  { end, residue, lastError, lastLines = [], memoryKills }: Extract<WorkerEvent, { type: "runner-ended" }>,
): Transition {
  return conclude({ ...state, residue, lastError, lastLines, memoryKills }, { type: "runner-ended" }, end);
}

/** Only the worker knows whether its runner has a job: it refuses then, and ends in every other state. */
function onDrain(state: WorkerState, reason: string): Transition {
  if (state.jobName !== undefined) return { state, effects: [{ type: "refuse-drain", reason }] };
  if (state.ending !== undefined) return stay(state);
  if (isPreparing(state)) return conclude(state, { type: "drained", reason });
  return interrupt({ ...state, ending: { type: "drained", reason } }, RUNNER_GRACE_MS);
}

function onSignal(state: WorkerState): Transition {
  if (state.step === "taking") return end(state, EXIT_STOPPED, [{ type: "abandon" }]);
  if (isPreparing(state)) return conclude(state, { type: "signalled" });
  if (!hasRunner(state)) return { state, effects: [{ type: "hurry", ms: FINISHED_GRACE_MS }] };
  const next = { ...state, ending: state.ending ?? { type: "signalled" as const } };
  if (!state.interrupted) return interrupt(next, state.signals > 1 ? FINISHED_GRACE_MS : RUNNER_GRACE_MS);
  return { state: next, effects: state.signals > 1 ? [{ type: "arm-grace", ms: FINISHED_GRACE_MS }] : [] };
}

function onGraceOver(state: WorkerState): Transition {
  // Its hook has told the runner to end, and nothing of that job may run: an interrupt would end the hook, which is in
  // its way.
  if (isRefused(state)) return { state: { ...state, interrupted: true }, effects: [{ type: "kill-runner" }] };
  // A late timer that nothing in this state armed: a job that runs is never interrupted by it.
  if (!state.interrupted && state.result === undefined) return stay(state);
  // First for a runner that lingers after its job: it gets the chance to end by itself.
  return state.interrupted
    ? { state, effects: [{ type: "kill-runner" }] }
    : interrupt(state, RUNNER_GRACE_MS);
}

function interrupt(state: WorkerState, graceMs: number): Transition {
  const effects: WorkerEffect[] = [{ type: "interrupt-runner" }, { type: "arm-grace", ms: graceMs }];
  return { state: { ...state, interrupted: true }, effects };
}

function conclude(state: WorkerState, cause: Ending, end?: ProcessEnd): Transition {
  const abandon: WorkerEffect[] = hasRunner(state) ? [] : [{ type: "abandon" }];
  const concluded = { ...state, ending: state.ending ?? cause };
  const { report, exitCode } = concludeReport(concluded, end);
  const next = { ...concluded, report, exitCode };
  if (!state.ownRegistration || state.jobName !== undefined) return tell(next, report, abandon);
  return go(next, "deregistering", [...abandon, { type: "deregister", report }, ...haste(next)]);
}

function tell(state: WorkerState, report: WorkerReport, before: readonly WorkerEffect[] = []): Transition {
  return go(state, "reporting", [...before, { type: "report", report }, ...haste(state)]);
}

/** After a signal somebody waits for this process to end. */
function haste({ signals }: WorkerState): WorkerEffect[] {
  return signals > 0 ? [{ type: "hurry", ms: FINISHED_GRACE_MS }] : [];
}

function end(state: WorkerState, code: number, before: readonly WorkerEffect[] = []): Transition {
  return { state: { ...state, step: "ended", exitCode: code }, effects: [...before, { type: "exit", code }] };
}

function go(state: WorkerState, step: Step, effects: readonly WorkerEffect[]): Transition {
  return { state: { ...state, step }, effects };
}

function stay(state: WorkerState): Transition {
  return { state, effects: [] };
}

function ping(phase: PingPhase, jobName?: string): WorkerEffect {
  return { type: "ping", heartbeat: { phase, jobName, started: undefined } };
}

function isRefused({ refusal, result }: WorkerState): boolean {
  return refusal !== undefined && result === undefined;
}

function isPreparing({ step }: WorkerState): boolean {
  return PREPARING.includes(step);
}

function hasRunner({ step }: WorkerState): boolean {
  return WITH_RUNNER.includes(step);
}
