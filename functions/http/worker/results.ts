// What a worker says of its job: progress, chunks, the result. JSON whatever the label says, and 200 for what is too late.
import { isUtf8 } from "node:buffer";
import { jobId } from "../../../shared/domain/ids.ts";
import { bytesInAnswer, bytesOfValue } from "../../../shared/domain/job/payload.ts";
import type { JsonFault } from "../../../shared/domain/scan-json.ts";
import { parseJobDone, reportOf } from "../../../shared/protocol/report.ts";
import { jobChunk } from "../../../shared/protocol/worker-plane.ts";
import { LEAST_CHUNK_BYTES, MAX_STREAM_BYTES } from "../../../shared/usecases/worker-plane/receive-chunk.ts";
import type { Body, BodyRefusal } from "../body/read-body.ts";
import { readBody } from "../body/read-body.ts";
import { refuseBody } from "../body/refuse-body.ts";
import { problem } from "../problem.ts";
import type { WorkerContext, WorkerPlane } from "./context.ts";
import { segment } from "./context.ts";

/**
 * RunPod takes 1 MB, and loses what is longer without a word; an image in base64 is longer. As much as `/stream` answers.
 */
const MAX_CHUNK_BYTES = 4_000_000;

/** RunPod's SDK gives a result up after three tries within 5 s: rather is it read later than refused. */
const WAIT_MS = 20_000;

async function read(plane: WorkerPlane, c: WorkerContext, maxBytes: number): Promise<Body | BodyRefusal> {
  const owner = plane.desk.workersOf(c.get("claims").tenant);
  return readBody(c, plane.desk, { owner, maxBytes, waitMs: WAIT_MS });
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

export async function done(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const received = await read(plane, c, plane.maxResultBytes);
  if (received.type !== "read") return refuseResult(plane, c, received);
  try {
    return await take(plane, c, received);
  } finally {
    received.release();
  }
}

/**
 * A program's result that cannot be kept ends its job: RunPod answers 400 and then shows the job as completed without
 * an output. Our worker may still report: its word is short.
 */
async function refuseResult(plane: WorkerPlane, c: WorkerContext, refusal: BodyRefusal): Promise<Response> {
  if (refusal.type === "too-large") return refuseTooLarge(plane, c, refusal.limit);
  if (refusal.type === "faulty") return refuseFaulty(plane, c, refusal.fault);
  // It may come again.
  return refuseBody(c, refusal);
}

async function refuseFaulty(plane: WorkerPlane, c: WorkerContext, fault: JsonFault): Promise<Response> {
  if (fault.type === "not-json") return refuseUnread(plane, c);
  const { of, limit } = fault;
  const what = { keys: "keys", containers: "objects and lists", depth: "levels" }[of];
  const detail = `a result has at most ${limit} ${what} here; return such data as one text, or store it elsewhere and return where`;
  await refuse(plane, c, `the result is too large: ${detail}`);
  return problem(c, { status: 413, title: "Result too large", detail });
}

async function refuseUnread(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  // Python writes NaN and Infinity as such, which no JSON is.
  const detail = "job-done needs a JSON object with output or error (NaN and Infinity are not JSON)";
  await refuse(plane, c, `the result could not be read: ${detail}`);
  return problem(c, { status: 400, title: "Bad request", detail });
}

async function take(plane: WorkerPlane, c: WorkerContext, { bytes, shape }: Body): Promise<Response> {
  const body = isUtf8(bytes) ? parseJobDone(bytes, shape) : undefined;
  if (body === undefined) return refuseUnread(plane, c);
  const most = plane.maxOutputBytes;
  if (most !== undefined && body.output !== undefined && bytesOfValue(body.output) > most) {
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
  const received = await read(plane, c, MAX_CHUNK_BYTES);
  if (received.type === "too-large") {
    return refuseTooLargeChunk(plane, c, `${MAX_CHUNK_BYTES} bytes`);
  }
  if (received.type !== "read") return refuseBody(c, received, "a chunk");
  try {
    return await takeChunk(plane, c, received.bytes);
  } finally {
    received.release();
  }
}

async function takeChunk(plane: WorkerPlane, c: WorkerContext, bytes: Uint8Array): Promise<Response> {
  const chunk = jobChunk.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!chunk.success || chunk.data.output === undefined) {
    const detail = "job-stream needs a JSON object with output";
    return problem(c, { status: 400, title: "Bad request", detail });
  }
  const { worker } = c.get("claims");
  const json = JSON.stringify(chunk.data.output);
  const most = plane.maxOutputBytes;
  if (most !== undefined && bytesInAnswer(json) > most) {
    return refuseTooLargeChunk(plane, c, `${most} bytes as a text in JSON`);
  }
  const heard = await plane.useCases.receiveChunk(worker, jobOf(c), json);
  if (heard !== "full") return c.json({});
  plane.rejectionLog.warn("chunk-refused", { status: 413, worker, job: jobOf(c) });
  const detail = `a job streams at most ${MAX_STREAM_BYTES} bytes, a chunk counts for ${LEAST_CHUNK_BYTES} or more; this one is not kept, return the rest as the result or store it elsewhere`;
  return problem(c, { status: 413, title: "Stream too large", detail });
}

/** Its place in the stream says so, and so does the log: RunPod's SDK only writes to the worker's own. */
async function refuseTooLargeChunk(plane: WorkerPlane, c: WorkerContext, most: string): Promise<Response> {
  const { worker } = c.get("claims");
  const detail = `a chunk is at most ${most} here; yield smaller ones, or return it as the result`;
  await plane.useCases.refuseChunk(worker, jobOf(c), `a chunk was too large and is missing here: ${detail}`);
  plane.rejectionLog.warn("chunk-refused", { status: 413, worker, job: jobOf(c), message: detail });
  return problem(c, { status: 413, title: "Chunk too large", detail });
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
