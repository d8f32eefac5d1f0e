// One chunk of a program's stream: stored under the next number, then counted.
import type { JobId, WorkerId } from "../../domain/ids.ts";
import type { ApiSide } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { bytesOf } from "../../domain/job/payload.ts";
import type { Deps } from "../deps.ts";
import { takeStorageFor } from "../storage/take-storage.ts";
import { lostRaces, MAX_RACES, replaceSeen } from "../update.ts";
import { acknowledge, jobServedBy, keptUntil } from "./program-job.ts";
import type { Heard } from "./receive-result.ts";

/** What a job may stream in one life. Chunks are kept as long as its result, read or not, and its program may loop. */
export const MAX_STREAM_BYTES = 100_000_000;

/** A chunk is a row with its key, two writes and two reads, however small it is. */
export const LEAST_CHUNK_BYTES = 1_000;

/** `full`: the job has streamed what it may; it goes on, and its result is taken. */
export type ChunkHeard = Heard | "full";

/**
 * `json`: the chunk's output. RunPod's SDK posts one chunk after the other and waits for each answer, so two writers
 * never meet on one number; another writer of the job only makes us count again.
 */
export async function receiveChunk(deps: Deps, id: WorkerId, job: JobId, json: string): Promise<ChunkHeard> {
  const saidAt = deps.clock.now();
  const worker = await deps.stores.workers.get(id);
  if (worker === undefined) return "ignored";
  if (worker.kind !== "program") return "not-a-program";
  for (let race = 0; race < MAX_RACES; race++) {
    const served = await jobServedBy(deps, worker, { job, saidAt });
    if (served?.api === undefined || isTerminal(served)) return "ignored";
    const { fits, text, stream } = await counted(deps, { ...served, api: served.api }, json);
    if (text === undefined) return "full";
    const { api } = served;
    await deps.apiStores.chunks.put(job, api.generation, stream.written, text, keptUntil(deps, served));
    const side = { ...api, stream };
    if ((await replaceSeen(deps.stores.jobs, served, { ...served, api: side })) === undefined) continue;
    await acknowledge(deps, worker, job, saidAt);
    return fits ? "heard" : "full";
  }
  throw lostRaces(`job ${job}`);
}

type Counted = {
  readonly fits: boolean;
  /** What is kept; undefined: whoever reads the stream has been told already. */
  readonly text: string | undefined;
  readonly stream: ApiSide["stream"];
};

async function counted(deps: Deps, served: Job & { readonly api: ApiSide }, json: string): Promise<Counted> {
  const { stream } = served.api;
  const bytes = (stream.bytes ?? 0) + Math.max(LEAST_CHUNK_BYTES, bytesOf(json));
  const written = stream.written + 1;
  if (await countStored(deps, served, bytes)) {
    return { fits: true, text: json, stream: { ...stream, written, bytes } };
  }
  if (stream.full === true) return { fits: false, text: undefined, stream };
  return { fits: false, text: noticeOf(FULL), stream: { ...stream, written, full: true } };
}

/** A chunk that cannot be kept: whoever reads the stream finds in its place what has happened. */
export function refuseChunk(deps: Deps, id: WorkerId, job: JobId, why: string): Promise<ChunkHeard> {
  return receiveChunk(deps, id, job, noticeOf(why));
}

const FULL = `this job has streamed the ${MAX_STREAM_BYTES} bytes that it may, or its tenant has no room: what came after this is missing`;

function noticeOf(error: string): string {
  return JSON.stringify({ error });
}

/**
 * Counted by the megabyte, so that a stream of small chunks costs one row more, and that seldom. False: the job has
 * streamed what it may, or its tenant has no room.
 */
async function countStored(deps: Deps, served: Job, bytes: number): Promise<boolean> {
  if (bytes > MAX_STREAM_BYTES) return false;
  const { id, tenant, api } = served;
  const counted = stepsOf(api?.stream.bytes ?? 0);
  const steps = stepsOf(bytes);
  if (steps <= counted) return true;
  const storage = await takeStorageFor(deps, tenant, (steps - counted) * STEP_BYTES);
  if (storage.type === "full") return false;
  const key = `job#${id}#${api?.generation ?? 0}#stream`;
  await deps.apiStores.stored.note(tenant, key, steps * STEP_BYTES, keptUntil(deps, served));
  return true;
}

const STEP_BYTES = 1_000_000;
/** Of less nobody fills anything. */
const UNCOUNTED_BYTES = 200_000;

function stepsOf(bytes: number): number {
  return bytes <= UNCOUNTED_BYTES ? 0 : Math.ceil(bytes / STEP_BYTES);
}
