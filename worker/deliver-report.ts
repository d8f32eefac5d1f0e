// The last word of a worker: on disk first, then to the dispatcher, for as long as it may take it to come back.
import { join } from "node:path";
import { rename, rm, writeFile } from "node:fs/promises";
import { backoffMs } from "../shared/domain/backoff.ts";
import { REPORT_RETRY_MS } from "../shared/domain/deadlines.ts";
import { isFailedStart, type WorkerReport } from "../shared/domain/worker-report.ts";
import type { JobDone } from "../shared/protocol/worker-plane.ts";
import { describeFault } from "./mask.ts";
import type { Refusal } from "./runpod-client.ts";
import type { Retrying } from "./take-job.ts";
import { RETRY } from "./time-limits.ts";

/** True: the dispatcher has it. False: it is in result.json, for the pool to read. `signal` ends the retries. */
export async function deliverReport(
  deps: Retrying & { readonly workDir: string },
  jobId: string,
  report: WorkerReport,
  signal: AbortSignal,
): Promise<boolean> {
  const body = jobDoneBody(report);
  const written = await keepResult(deps, JSON.stringify(body));
  const until = deps.clock.now() + REPORT_RETRY_MS;
  for (let attempt = 0; ; attempt += 1) {
    const answer = await tryDone(deps, jobId, body, signal);
    if (answer.type === "accepted") {
      if (written) await rm(resultPath(deps.workDir), { force: true });
      return true;
    }
    deps.log.warn("report-failed", { job: jobId, message: answer.message });
    const waitMs = answer.type === "later" ? (answer.afterMs ?? backoffMs(attempt, deps.random(), RETRY)) : undefined;
    if (waitMs === undefined || signal.aborted || deps.clock.now() + waitMs > until) return false;
    await deps.clock.sleep(waitMs, signal);
    if (signal.aborted) return false;
  }
}

/** A failed start is an error for RunPod's clients too; the report goes with it. */
export function jobDoneBody(report: WorkerReport): JobDone {
  const { runnerExit, jobName, result, ...rest } = report;
  const exit = runnerExit && {
    ...(runnerExit.code !== undefined && { code: runnerExit.code }),
    ...(runnerExit.signal !== undefined && { signal: runnerExit.signal }),
  };
  const output = {
    ...rest,
    ...(exit && { runnerExit: exit }),
    ...(jobName !== undefined && { jobName }),
    ...(result !== undefined && { result }),
  };
  const failed = isFailedStart(report.outcome) || report.outcome === "cancelled";
  return { output, ...(failed && { error: report.message }), stopPod: true };
}

function resultPath(workDir: string): string {
  return join(workDir, "result.json");
}

/** A full or read-only disk must not cost the report its other way. */
async function keepResult({ workDir, log }: { workDir: string; log: Retrying["log"] }, text: string): Promise<boolean> {
  const path = resultPath(workDir);
  try {
    // Renamed into place: the pool never reads half a file.
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
    return true;
  } catch (error) {
    log.warn("result-not-kept", { message: `${path} could not be written.`, error });
    return false;
  }
}

async function tryDone(
  { client }: Retrying,
  jobId: string,
  body: JobDone,
  signal: AbortSignal,
): Promise<{ readonly type: "accepted" } | Refusal> {
  try {
    return await client.done(jobId, body, signal);
  } catch (error) {
    return { type: "later", message: describeFault(error), afterMs: undefined };
  }
}
