// From a job-done body to the domain's report: the same for one that was posted and one that was left with the pool.
import { SMALL_JSON_BYTES } from "../domain/job/payload.ts";
import { memberOf, parsedAt } from "../domain/json-members.ts";
import type { JsonShape } from "../domain/scan-json.ts";
import { scanJson } from "../domain/scan-json.ts";
import type { WorkerReport } from "../domain/worker-report.ts";
import type { JobDone } from "./worker-plane.ts";
import { jobDone, workerOutput } from "./worker-plane.ts";

/**
 * The body of a job-done, which is JSON of this shape; undefined when it is not one. An output above `SMALL_JSON_BYTES`
 * is not parsed, and comes as its bytes.
 */
export function parseJobDone(bytes: Uint8Array, shape: JsonShape): JobDone | undefined {
  const isSmall = bytes.length <= SMALL_JSON_BYTES || !shape.isObject;
  const body = isSmall ? parsedAt(bytes, { from: 0, to: bytes.length }) : membersOf(bytes, shape);
  const parsed = jobDone.safeParse(withTextError(body));
  return parsed.success ? parsed.data : undefined;
}

function membersOf(bytes: Uint8Array, shape: JsonShape): object {
  const members = MEMBERS.flatMap((name) => {
    const span = memberOf(bytes, shape, name);
    if (span === undefined) return [];
    const isLarge = name === "output" && span.to - span.from > SMALL_JSON_BYTES;
    return [[name, isLarge ? bytes.subarray(span.from, span.to) : parsedAt(bytes, span)] as const];
  });
  return Object.fromEntries(members);
}

const MEMBERS = ["output", "error", "status", "stopPod"] as const;

/** The same for a text that may be anything. */
export function parseReport(text: string): JobDone | undefined {
  const bytes = new TextEncoder().encode(text);
  const shape = scanJson(bytes, REPORT_LIMITS);
  return shape.type === "json" ? parseJobDone(bytes, shape) : undefined;
}

/** A report of our worker is below 1 kB; a program may leave what it likes. */
const REPORT_LIMITS = { keys: 100_000, containers: 100_000, depth: 500 };

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
    const { outcome, message, runnerExit, jobName, result, ran, badCards, memoryKills } = output.data;
    const exit = runnerExit === undefined ? undefined : { code: runnerExit.code, signal: runnerExit.signal };
    const known = { ...(ran && { ran }), ...(badCards && { badCards }), ...(memoryKills && { memoryKills }) };
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
