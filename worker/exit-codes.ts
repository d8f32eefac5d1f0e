// What the worker's process exits with. A pool shows this code when nothing else is known; docs/worker.md explains each.
import type { OwnOutcome } from "../shared/domain/worker-report.ts";
import type { PreflightCode } from "./preflight/preflight-verdict.ts";

/** A fault of the worker itself; its log has the cause. */
export const EXIT_FAULT = 1;
/** The environment is incomplete or wrong. */
export const EXIT_CONFIG = 2;
/** The dispatcher had no job for this worker, or did not answer. */
export const EXIT_NO_JOB = 3;
/** 128 + SIGTERM, as a shell would say. */
export const EXIT_STOPPED = 143;

const OUTCOMES: { readonly [outcome in Exclude<OwnOutcome, "preflight-failed">]: number } = {
  ran: 0,
  idle: 0,
  "registration-refused": 80,
  "config-failed": 81,
  "runner-failed": 82,
  "runner-too-old": 83,
  "no-runner": 84,
  "runner-died": 85,
  cancelled: EXIT_STOPPED,
};

const PREFLIGHT: { readonly [code in PreflightCode]: number } = {
  E_NO_DEVICE: 90,
  E_BUSY: 91,
  E_DRIVER: 92,
  E_HANG: 93,
  E_HEALTH: 94,
  E_DIRTY: 95,
  E_PROBE: 96,
};

export function exitCode(outcome: OwnOutcome, preflight: PreflightCode | undefined): number {
  return outcome === "preflight-failed" ? PREFLIGHT[preflight ?? "E_DRIVER"] : OUTCOMES[outcome];
}
