// /stream: the chunks since the last call, each handed out once.

import { jobId } from "../../domain/ids.ts";
import type { ApiCaller, ApiSide } from "../../domain/job/api-job.ts";
import { drainedTo } from "../../domain/job/api-steps.ts";
import type { Job, JobState } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { bytesInAnswer } from "../../domain/job/payload.ts";
import { updateJob } from "../update.ts";
import type { ApiDeps } from "./api-deps.ts";
import { findJob } from "./api-deps.ts";
import { awaitJob } from "./await-status.ts";

export type StreamAnswer = {
  readonly status: JobState;
  readonly stream: readonly { readonly output: unknown }[];
};

/** Chunks read at once, fewer where they are large: each may be of 4 MB. */
const PAGE = 16;
/** An answer of a Lambda is at most 6 MB, as a text in JSON. */
const MAX_ANSWER_BYTES = 4_000_000;
/** `{\"output\":},` around each chunk. */
const AROUND_CHUNK_BYTES = 16;

/** Waits for a chunk or the end, at most `waitMs`. A job that ended is shown as such with its last chunks, not before. */
export async function drainStream(
  deps: ApiDeps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<StreamAnswer | undefined> {
  const look = () => findJob(deps, caller, endpoint, id);
  const until = (job: Job) => isTerminal(job) || hasChunks(job);
  for (;;) {
    const job = await awaitJob(deps, jobId(id), { look, until, waitMs, signal });
    if (job === undefined) return undefined;
    if (!hasChunks(job)) return { status: job.state, stream: [] };
    const { chunks, last } = await readChunks(deps, job);
    // After this write they are this caller's: a client that drops its connection now has lost them, as on RunPod.
    if (await markDrained(deps, job, last)) {
      const more = last < (job.api?.stream.written ?? 0);
      // Clients stop asking at a terminal status.
      return {
        status: more ? "IN_PROGRESS" : job.state,
        stream: chunks.map((json) => ({ output: JSON.parse(json) })),
      };
    }
  }
}

function hasChunks({ api }: Job): boolean {
  return api !== undefined && api.stream.written > api.stream.drained;
}

async function readChunks(deps: ApiDeps, job: Job): Promise<{ chunks: string[]; last: number }> {
  const chunks: string[] = [];
  let last = job.api?.stream.drained ?? 0;
  let bytes = 0;
  for await (const { number, json } of unreadOf(deps, job)) {
    bytes += json === undefined ? 0 : bytesInAnswer(json) + AROUND_CHUNK_BYTES;
    // The first is handed out whatever its size: it could not be at any other time.
    if (bytes > MAX_ANSWER_BYTES && chunks.length > 0) break;
    if (json !== undefined) chunks.push(json);
    last = number;
  }
  return { chunks, last };
}

const NO_STREAM: ApiSide["stream"] = { written: 0, drained: 0 };

/** Each is read by itself: a number whose chunk has expired answers nothing, and which one that is must be known. */
async function* unreadOf(deps: ApiDeps, { id, api }: Job) {
  const { generation = 1, stream = NO_STREAM } = api ?? {};
  const page = pageOf(stream);
  for (let from = stream.drained + 1; from <= stream.written; from += page) {
    const length = Math.min(page, stream.written - from + 1);
    const numbers = Array.from({ length }, (_, index) => from + index);
    const read = (number: number) => deps.apiStores.chunks.list(id, generation, number, number);
    const chunks = await Promise.all(numbers.map(read));
    for (const [index, [json]] of chunks.entries()) yield { number: from + index, json };
  }
}

function pageOf({ written, bytes = 0 }: ApiSide["stream"]): number {
  const averageBytes = Math.max(1, bytes / Math.max(1, written));
  return Math.max(1, Math.min(PAGE, Math.floor(MAX_ANSWER_BYTES / averageBytes)));
}

/** False when another call has handed out some of them in the meantime, or the job began anew. */
async function markDrained(deps: ApiDeps, seen: Job, last: number): Promise<boolean> {
  const { changed } = await updateJob(deps.stores.jobs, seen.id, (job) => {
    const same =
      job.api?.generation === seen.api?.generation && job.api?.stream.drained === seen.api?.stream.drained;
    return same ? drainedTo(job, last) : undefined;
  });
  return changed;
}
