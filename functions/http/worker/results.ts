// What a worker says of its job: progress, chunks, the result. JSON whatever the label says, and 200 for what is too late.
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { jobId } from "../../../shared/domain/ids.ts";
import { bytesInAnswer } from "../../../shared/domain/job/payload.ts";
import { parseJobDone, reportOf } from "../../../shared/protocol/report.ts";
import { jobChunk } from "../../../shared/protocol/worker-plane.ts";
import { LEAST_CHUNK_BYTES, MAX_STREAM_BYTES } from "../../../shared/usecases/worker-plane/receive-chunk.ts";
import { problem } from "../problem.ts";
import type { WorkerContext, WorkerEnv, WorkerPlane } from "./context.ts";
import { segment } from "./context.ts";

/** As at RunPod. */
const MAX_CHUNK_BYTES = 1_000_000;

/**
 * A program's result that cannot be kept ends its job: RunPod answers 400 and then shows the job as completed without
 * an output. Our worker may still report: its word is short.
 */
export function limitResult(plane: WorkerPlane): MiddlewareHandler<WorkerEnv> {
  const maxSize = plane.maxResultBytes;
  return bodyLimit({ maxSize, onError: (c) => refuseTooLarge(plane, c as WorkerContext, maxSize) });
}

async function refuseTooLarge(
  plane: WorkerPlane,
  c: WorkerContext,
  limit: number,
  as = "",
): Promise<Response> {
  const detail = `a result is at most ${limit} bytes ${as}here; store a larger one elsewhere and return where`;
  await refuse(plane, c, `the result is too large: ${detail}`);
  return problem(c, { status: 413, title: "Result too large", detail });
}

/** A longer one could be kept, but no status that tells it could be answered. */
function lengthOf(output: unknown): number {
  return output === undefined ? 0 : bytesInAnswer(JSON.stringify(output));
}

export function limitChunk(): MiddlewareHandler<WorkerEnv> {
  const detail = `a chunk is at most ${MAX_CHUNK_BYTES} bytes; yield smaller ones`;
  return bodyLimit({
    maxSize: MAX_CHUNK_BYTES,
    onError: (c) => problem(c, { status: 413, title: "Chunk too large", detail }),
  });
}

export async function done(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const body = parseJobDone(await c.req.text());
  if (body === undefined) {
    // Python writes NaN and Infinity as such, which no JSON is.
    const detail = "job-done needs a JSON object with output or error (NaN and Infinity are not JSON)";
    await refuse(plane, c, `the result could not be read: ${detail}`);
    return problem(c, { status: 400, title: "Bad request", detail });
  }
  const most = plane.maxOutputBytes;
  if (most !== undefined && lengthOf(body.output) > most) {
    return refuseTooLarge(plane, c, most, "as a text in JSON ");
  }
  const { worker } = c.get("claims");
  const heard = await plane.useCases.receiveResult(worker, jobOf(c), body);
  // Progress has the same path, and may come after the end.
  if (heard === "not-a-program" && body.status !== "IN_PROGRESS") {
    await plane.useCases.finishWorker(worker, reportOf(body));
  }
  return c.json({});
}

export async function stream(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const chunk = jobChunk.safeParse(parsed(await c.req.text()));
  if (!chunk.success || chunk.data.output === undefined) {
    const detail = "job-stream needs a JSON object with output";
    return problem(c, { status: 400, title: "Bad request", detail });
  }
  const { worker } = c.get("claims");
  const heard = await plane.useCases.receiveChunk(worker, jobOf(c), JSON.stringify(chunk.data.output));
  if (heard !== "full") return c.json({});
  plane.rejectionLog.warn("chunk-refused", { status: 413, worker, job: jobOf(c) });
  const detail = `a job streams at most ${MAX_STREAM_BYTES} bytes, a chunk counts for ${LEAST_CHUNK_BYTES} or more; this one is not kept, return the rest as the result or store it elsewhere`;
  return problem(c, { status: 413, title: "Stream too large", detail });
}

async function refuse(plane: WorkerPlane, c: WorkerContext, why: string): Promise<void> {
  const { worker } = c.get("claims");
  const heard = await plane.useCases.refuseResult(worker, jobOf(c), why);
  if (heard === "heard") plane.log.warn("result-refused", { worker, job: jobOf(c), message: why });
}

/** Whether the worker holds a job of this name, its record says. */
function jobOf(c: WorkerContext) {
  return jobId(segment(c, "job"));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
