// The words of a worker's life: what it knows of itself, what happens to it, what it does.
import type { MemoryKills } from "../../shared/domain/memory-kills.ts";
import type { WorkerReport } from "../../shared/domain/worker-report.ts";
import type { HookNews } from "../hooks/hook-reports.ts";
import type { PreflightResult } from "../preflight/preflight-verdict.ts";
import type { RunnerMarker } from "../runner/log-lines.ts";
import type { ProcessEnd } from "../runner/runner-process.ts";
import type { Heartbeat } from "../urls.ts";
import type { EndFacts, FailedStart } from "./worker-end.ts";

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

export type WorkerState = EndFacts & {
  readonly step: Step;
  /** Stop signals so far. */
  readonly signals: number;
  /** The runner has been interrupted. */
  readonly interrupted: boolean;
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
  /** A step could not be done: one before the runner, or one of those that follow its end. */
  | { readonly type: "start-failed"; readonly outcome: FailedStart; readonly message: string }
  | { readonly type: "marker"; readonly marker: RunnerMarker }
  | { readonly type: "hook"; readonly news: HookNews }
  | ({ readonly type: "runner-ended"; readonly end: ProcessEnd } & RunnerLeft)
  | { readonly type: "drain-asked"; readonly reason: string }
  | { readonly type: "signal" }
  | { readonly type: "grace-over" }
  | { readonly type: "deregistered" }
  | { readonly type: "reported" };

/** What the runner left: on its cards, in its traces and as its last lines; for people. */
type RunnerLeft = {
  readonly residue?: string | undefined;
  readonly lastError?: string | undefined;
  readonly lastLines?: readonly string[] | undefined;
  readonly memoryKills?: MemoryKills | undefined;
};

export type WorkerEffect =
  | { readonly type: "take" }
  | { readonly type: "preflight" }
  | { readonly type: "register" }
  | { readonly type: "configure" }
  | { readonly type: "start-runner" }
  | { readonly type: "ping"; readonly heartbeat: Omit<Heartbeat, "jobId"> }
  /** End what runs before the runner: a request, npu-smi, config.sh. Its late events are ignored. */
  | { readonly type: "abandon" }
  | { readonly type: "interrupt-runner" }
  | { readonly type: "kill-runner" }
  /** `grace-over` after this; replaces an earlier one. */
  | { readonly type: "arm-grace"; readonly ms: number }
  | { readonly type: "refuse-drain"; readonly reason: string }
  /** The report is kept on disk first: the worker may be killed meanwhile. */
  | { readonly type: "deregister"; readonly report: WorkerReport }
  | { readonly type: "report"; readonly report: WorkerReport }
  /** Give up the deregistration, or the report, that is under way after this long. */
  | { readonly type: "hurry"; readonly ms: number }
  | { readonly type: "exit"; readonly code: number };
