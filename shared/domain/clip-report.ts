// A worker's report comes from outside and is stored with the worker: its texts are cut to what a person would read.
import type { WorkerReport } from "./worker-report.ts";

/** Far below the store's limit of an item; the whole text is in the worker's own log. */
const MAX_TEXT = 4_000;

export function clipReport(report: WorkerReport): WorkerReport {
  const { message, jobName, result } = report;
  return { ...report, message: clip(message), jobName: clipped(jobName), result: clipped(result) };
}

/** Of 300 kB that a job's row may have. A program with more to say returns it as its output. */
const MAX_ERROR_BYTES = 64_000;

/** The error that a program reports, cut to what its job's record can hold: the beginning, of at most 64 kB in JSON. */
export function clipError(error: string): string {
  let kept = error;
  for (let bytes = jsonBytes(kept); bytes > MAX_ERROR_BYTES; bytes = jsonBytes(kept)) {
    const length = Math.floor((kept.length * MAX_ERROR_BYTES) / bytes);
    // Half of a pair is no character.
    kept = kept.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
  }
  return kept === error ? error : `${kept}… (cut: it had ${error.length} characters)`;
}

function jsonBytes(text: string): number {
  return new TextEncoder().encode(JSON.stringify(text)).length;
}

function clipped(text: string | undefined): string | undefined {
  return text === undefined ? undefined : clip(text);
}

function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters)`;
}
