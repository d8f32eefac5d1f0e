// A worker's report comes from outside and is stored with the worker: its texts are cut to what a person would read.
import type { WorkerReport } from "../domain/worker-report.ts";

/** Far below the store's limit of an item; the whole text is in the worker's own log. */
const MAX_TEXT = 4_000;

export function clipReport(report: WorkerReport): WorkerReport {
  const { message, jobName, result } = report;
  return { ...report, message: clip(message), jobName: clipped(jobName), result: clipped(result) };
}

function clipped(text: string | undefined): string | undefined {
  return text === undefined ? undefined : clip(text);
}

function clip(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters)`;
}
