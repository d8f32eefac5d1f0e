// From a job-done body to the domain's report: the same for one that was posted and one that was left with the pool.
import type { WorkerReport } from "../domain/worker-report.ts";
import type { JobDone } from "./worker-plane.ts";
import { jobDone, workerOutput } from "./worker-plane.ts";

/** The body of a job-done as text; undefined when it is not one. */
export function parseJobDone(text: string): JobDone | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const parsed = jobDone.safeParse(withTextError(body));
  return parsed.success ? parsed.data : undefined;
}

/** A Python handler may return any `error`; clients expect text. An empty one is none, as the SDK has it. */
function withTextError(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("error" in body)) return body;
  const { error, ...rest } = body;
  if (error === undefined || error === null) return rest;
  return { ...rest, error: typeof error === "string" ? error : JSON.stringify(error) };
}

/** A foreign worker says only whether it failed. */
export function reportOf(body: JobDone): WorkerReport {
  const output = workerOutput.safeParse(body.output);
  if (output.success) {
    const { outcome, message, runnerExit, jobName, result, ran, badCards } = output.data;
    const exit = runnerExit === undefined ? undefined : { code: runnerExit.code, signal: runnerExit.signal };
    const known = { ...(ran && { ran }), ...(badCards && { badCards }) };
    return { outcome, message, runnerExit: exit, jobName, result, ...known };
  }
  return {
    outcome: body.error === undefined ? "ran" : "runner-failed",
    message: body.error ?? "the worker reported an output of its own",
    runnerExit: undefined,
    jobName: undefined,
    result: undefined,
  };
}
