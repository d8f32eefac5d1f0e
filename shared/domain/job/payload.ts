// JSON that an API job carries: in the job's own item when small, else in part items that the job names.
import { ASYNC_RESULT_MS } from "../deadlines.ts";
import type { EpochMs, JobId } from "../ids.ts";

export type Payload =
  | { readonly type: "inline"; readonly json: string }
  | PartsPayload
  /** It was there, and nobody can ask for it any more. */
  | { readonly type: "gone" };

/** `key` and a number from 0 to `count` - 1 name the parts; they are written before the item that names them. */
export type PartsPayload = {
  readonly type: "parts";
  readonly key: string;
  readonly count: number;
  readonly bytes: number;
};

/**
 * Up to this many bytes of JSON stay in the job's item. A job is written five times and more and read as often, each time
 * as a whole: 8 kB are 8 write units of DynamoDB every time, where a part is written once.
 */
export const INLINE_BYTES = 8_000;

/** JSON up to this many bytes is parsed, taken whatever its owner has stored, and not counted. */
export const SMALL_JSON_BYTES = 32_000;

export const inlinePayload = (json: string): Payload => ({ type: "inline", json });

/** Parts go an hour after their last reader at the latest could have come. */
const SLACK_MS = 3_600_000;

/**
 * By its hash too: of two requests under one idempotency key the one that is refused must not replace the other's input.
 */
export function inputKey(id: JobId, generation: number, requestHash: string): string {
  return `job#${id}#${generation}#in-${requestHash.slice(0, 16)}`;
}

/** Until a job that began at `now` cannot be retried any more. */
export function inputExpiry(
  { ttlMs, executionTimeoutMs }: { readonly ttlMs: number; readonly executionTimeoutMs: number },
  now: EpochMs,
): EpochMs {
  return now + ttlMs + executionTimeoutMs + ASYNC_RESULT_MS + SLACK_MS;
}

/**
 * How long JSON becomes as a part of an answer of a Lambda, which is JSON with the body as one text in it: bytes of
 * UTF-8, where each quote and each backslash takes one more.
 */
export function bytesInAnswer(json: string): number {
  return new TextEncoder().encode(JSON.stringify(json)).length;
}

/** The same for a value, or for the bytes of one that was not parsed. */
export function bytesOfValue(value: unknown): number {
  return bytesInAnswer(isJsonBytes(value) ? new TextDecoder().decode(value) : JSON.stringify(value));
}

/** JSON too large to be parsed here: its text, known to be JSON in UTF-8. Nothing that JSON.parse answers is one. */
export type JsonBytes = Uint8Array;

export function isJsonBytes(value: unknown): value is JsonBytes {
  return value instanceof Uint8Array;
}

/** What is stored of a value: its text, or the bytes of it. */
export function jsonOf(value: unknown): string | JsonBytes {
  return isJsonBytes(value) ? value : JSON.stringify(value);
}

/** Of its UTF-8. */
export function bytesOf(json: string | JsonBytes): number {
  return isJsonBytes(json) ? json.length : new TextEncoder().encode(json).length;
}

/** Takes the place of a large value in an answer: it is sent from the store, piece by piece. */
export class StoredJson {
  readonly payload: PartsPayload;
  constructor(payload: PartsPayload) {
    this.payload = payload;
  }
}
