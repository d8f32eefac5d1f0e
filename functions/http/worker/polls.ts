// What a worker asks for: its job, alone or in a list, and whether to stop it. RunPod's ways of asking.
import type { Context } from "hono";
import type { TakenJob } from "../../../shared/protocol/worker-plane.ts";
import { jsonAnswer } from "../body/json-answer.ts";
import type { Problem } from "../problem.ts";
import { problem } from "../problem.ts";
import type { WorkerContext, WorkerPlane } from "./context.ts";
import { query, SDK_BOOT } from "./context.ts";

/** RunPod's SDK sleeps for 5 s after any 429. */
const COME_AGAIN_MS = 5_000;

/**
 * Our worker names its boot and is answered at once. A program's poll is held; it gets one job at a time, in a list when
 * it asked for a batch: its cards are one job's.
 */
export async function take(plane: WorkerPlane, c: WorkerContext, form: "one" | "batch"): Promise<Response> {
  const { worker } = c.get("claims");
  const boot = query(c, "boot");
  if (boot !== undefined) return takeRunner(plane, c, boot);
  const { signal } = c.req.raw;
  const inProgress = query(c, "job_in_progress") === "1";
  const outcome = await plane.useCases.awaitJob(worker, { bootId: SDK_BOOT, inProgress }, signal);
  if (outcome.type === "not-a-program") return takeRunner(plane, c, SDK_BOOT);
  if (outcome.type === "nothing") return nothing(plane, c);
  const { job } = outcome;
  if (signal.aborted) await plane.useCases.returnJob(worker, outcome.jobId);
  else watchDelivery(plane, c, outcome.jobId);
  c.set("deliversJob", true);
  return jobAnswer(plane, c, form === "batch" ? [job] : job);
}

function jobAnswer(plane: WorkerPlane, c: WorkerContext, answer: object): Promise<Response> {
  const { desk, payloads } = plane;
  const owner = desk.workersOf(c.get("claims").tenant);
  return jsonAnswer(c, answer, { desk, payloads, owner, refuse });
}

export async function stopPoll(plane: WorkerPlane, c: WorkerContext): Promise<Response> {
  const jobsToStop = await plane.useCases.awaitStop(c.get("claims").worker, c.req.raw.signal);
  return jobsToStop.length === 0 ? nothing(plane, c) : c.json({ jobsToStop });
}

/**
 * For any call of the worker plane. RunPod's SDK repeats a poll at once after every refusal but a 429: with a store that is
 * away, or a token that opens nothing, all programs would ask without a pause. Our own worker, which names its boot, knows
 * what to do after each.
 */
export function refuse(c: Context, refusal: Problem): Response {
  const isPoll = /\/job-(take|take-batch|stop)\//.test(c.req.path) && query(c, "boot") === undefined;
  return problem(c, isPoll ? { ...refusal, status: 429, retryAfterMs: COME_AGAIN_MS } : refusal);
}

async function takeRunner(plane: WorkerPlane, c: WorkerContext, boot: string): Promise<Response> {
  const { worker } = c.get("claims");
  const outcome = await plane.useCases.takeJob(worker, boot);
  if (outcome.type === "nothing") {
    plane.log.warn("nothing-to-take", { worker, reason: outcome.reason });
    return c.body(null, 204);
  }
  const answer: TakenJob = { ...outcome.job, dispatch: outcome.settings };
  return jobAnswer(plane, c, answer);
}

/** After a 204 RunPod's SDK asks again at once: fit only for an answer that was held. */
function nothing(plane: WorkerPlane, c: Context): Response {
  if (plane.useCases.holds) return c.body(null, 204);
  return problem(c, {
    status: 429,
    title: "No job",
    detail: "nothing to do; ask again later",
    retryAfterMs: COME_AGAIN_MS,
  });
}

/** The socket may close before the answer is out, e.g. when the client has given up: the job is then given again. */
function watchDelivery(plane: WorkerPlane, c: WorkerContext, job: Parameters<ReturnJob>[1]): void {
  const { worker } = c.get("claims");
  c.req.raw.signal.addEventListener("abort", () => {
    plane.useCases.returnJob(worker, job).catch((error: unknown) => {
      plane.log.error("job-not-returned", { worker, job, error });
    });
  });
}

type ReturnJob = WorkerPlane["useCases"]["returnJob"];
