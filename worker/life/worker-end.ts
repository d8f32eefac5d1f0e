// How a worker ended, in one word, one sentence and one exit code. Pure: judged from what the runner printed and the
// first cause.

import { describeKills, type MemoryKills } from "../../shared/domain/memory-kills.ts";
import type { RanJob } from "../../shared/domain/started-job.ts";
import type { OwnOutcome, WorkerReport } from "../../shared/domain/worker-report.ts";
import { exitCode } from "../exit-codes.ts";
import type { PreflightCode } from "../preflight/preflight-verdict.ts";
import { libraryAdvice } from "../runner/library-advice.ts";
import type { RunnerMarker } from "../runner/log-lines.ts";
import type { ProcessEnd } from "../runner/runner-process.ts";

export type FailedStart =
  | "registration-refused"
  | "config-failed"
  | "runner-failed"
  | "runner-too-old"
  | "no-runner";

export type Ending =
  | {
      readonly type: "preflight-failed";
      readonly code: PreflightCode;
      readonly message: string;
      readonly badCards?: readonly string[] | undefined;
    }
  | { readonly type: "failed"; readonly outcome: FailedStart; readonly message: string }
  | { readonly type: "drained"; readonly reason: string }
  | { readonly type: "signalled" }
  /** By itself: its output and its exit say why. */
  | { readonly type: "runner-ended" };

/** What of a worker's life decides its report. */
export type EndFacts = {
  /** Why it ends; the first cause stays. */
  readonly ending: Ending | undefined;
  readonly listened: boolean;
  /** Set once the runner printed `Running job`. */
  readonly jobName: string | undefined;
  readonly result: string | undefined;
  /** A marker that explains an end: too old, deleted, session conflict. */
  readonly remark: RunnerMarker["type"] | undefined;
  /** The last line of run-helper.sh: how the listener ended. */
  readonly lastWord: string | undefined;
  /** By the hooks of its runner. */
  readonly ran: RanJob | undefined;
  /** Why the started hook let no step of the job run. */
  readonly refusal: string | undefined;
  /** What its job left on its cards, in a sentence. */
  readonly residue: string | undefined;
  /** The last error in its traces. */
  readonly lastError: string | undefined;
  /** What its program printed last. */
  readonly lastLines: readonly string[];
  readonly memoryKills: MemoryKills | undefined;
};

/** With ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE=1, actions/runner's only telling exit code. */
const EXIT_TOO_OLD = 7;

type Judgement = { readonly outcome: OwnOutcome; readonly message: string };

export function concludeReport(
  facts: EndFacts,
  end: ProcessEnd | undefined,
): { readonly report: WorkerReport; readonly exitCode: number } {
  const { outcome, message } = judge(facts, end);
  const runnerExit = end?.type === "exited" ? { code: end.code, signal: end.signal } : undefined;
  const preflight = facts.ending?.type === "preflight-failed" ? facts.ending : undefined;
  const refusal = facts.refusal && `It was ${facts.refusal}.`;
  const { memoryKills } = facts;
  const starved = memoryKills && `${describeKills(memoryKills)}.`;
  return {
    report: {
      outcome,
      message: [message, refusal, starved, facts.residue].filter((sentence) => sentence).join(" "),
      runnerExit,
      jobName: facts.jobName,
      result: facts.result,
      ...(facts.ran && { ran: facts.ran }),
      ...(memoryKills && { memoryKills }),
      ...(preflight?.badCards && { badCards: preflight.badCards }),
    },
    exitCode: exitCode(outcome, preflight?.code),
  };
}

function judge(facts: EndFacts, end: ProcessEnd | undefined): Judgement {
  const { ending, jobName } = facts;
  switch (ending?.type) {
    case "preflight-failed":
      return { outcome: "preflight-failed", message: `${ending.code}: ${ending.message}` };
    case "failed":
      return { outcome: ending.outcome, message: ending.message };
    case "signalled":
      return {
        outcome: "cancelled",
        message:
          jobName === undefined
            ? "The worker was stopped before its runner took a job."
            : `The worker was stopped while it ran ${jobName}.`,
      };
    case "drained":
      // GitHub may have assigned a job in the moment of the interrupt.
      if (jobName !== undefined)
        return { outcome: "ran", message: `Ran ${jobName}; the runner was being drained.` };
      return { outcome: "idle", message: `Ended without a job, as asked (${ending.reason}).` };
    default:
      return judgeRunner(facts, end);
  }
}

function judgeRunner(facts: EndFacts, end: ProcessEnd | undefined): Judgement {
  if (end?.type === "not-started") {
    return {
      outcome: "no-runner",
      message: `run.sh did not start: ${end.error.message}. Check RUNNER_HOME and RUNNER_USER.`,
    };
  }
  const exit = describeExit(end);
  if (facts.jobName !== undefined) return judgeJob(facts, facts.jobName, end);
  if (facts.remark === "too-old" || end?.code === EXIT_TOO_OLD) {
    return {
      outcome: "runner-too-old",
      message: "GitHub refuses this version of actions/runner. Update it in the image.",
    };
  }
  if (facts.listened && facts.remark !== "deleted" && !endedWell(facts, end)) {
    return { outcome: "runner-died", message: `The runner died while it listened: ${causeOf(facts, end)}.` };
  }
  if (facts.listened) {
    const why = facts.remark === "deleted" ? "GitHub removed its registration" : exit;
    return { outcome: "idle", message: `The runner listened and ended without a job: ${why}.` };
  }
  const why = facts.remark === undefined ? exit : REMARKS[facts.remark];
  return {
    outcome: "runner-failed",
    message: `The runner ended before it listened: ${why}.${lastWords(facts)}${libraryAdvice(facts.lastLines)}`,
  };
}

/** Of run.sh 0 says nothing: without the listener's word on the job's result nobody has told GitHub. */
function judgeJob(facts: EndFacts, jobName: string, end: ProcessEnd | undefined): Judgement {
  const { result, ran, refusal } = facts;
  if (result !== undefined) return { outcome: "ran", message: `Ran ${jobName}: result ${result}.` };
  // Its last hook is the last of a job; a runner whose words for the end are others.
  if (ran?.ranMs !== undefined) {
    return { outcome: "ran", message: `Ran ${jobName}: ${describeExit(end)}, without a result.` };
  }
  const what =
    refusal === undefined
      ? `The runner died while it ran ${jobName}`
      : `The runner did not end ${jobName} when it was refused, and was killed`;
  return { outcome: "runner-died", message: `${what}: ${causeOf(facts, end)}.` };
}

function causeOf({ lastWord, lastError }: EndFacts, end: ProcessEnd | undefined): string {
  const error = lastError && `its last error: ${lastError.replace(/\.$/, "")}`;
  return [lastWord?.replace(/\.$/, "") ?? describeExit(end), error].filter((part) => part).join("; ");
}

/** A listener without a job ends with 0 when it is told to, or when it has nothing more to listen for. */
function endedWell({ lastWord }: EndFacts, end: ProcessEnd | undefined): boolean {
  return lastWord === undefined
    ? end?.type === "exited" && end.code === 0
    : /with 0 return code/.test(lastWord);
}

/** Quoted: the log with them goes with its container. */
function lastWords({ lastError, lastLines }: EndFacts): string {
  const lines = lastLines.join(" / ");
  if (lastError !== undefined) return ` Its last error: ${lastError}`;
  return lines === "" ? " It printed nothing." : ` It printed: ${lines}`;
}

const REMARKS: { readonly [remark: string]: string | undefined } = {
  deleted: "GitHub has no registration of it",
  "session-conflict": "another process has its session",
};

function describeExit(end: ProcessEnd | undefined): string {
  if (end?.type !== "exited") return "it did not say why";
  return end.signal === undefined ? `exit code ${end.code}` : `killed by ${end.signal}`;
}
