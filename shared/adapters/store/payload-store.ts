// JSON of up to 20 MB in a table whose rows hold 400 kB: in the noun's own row when small, else in rows of parts.

import type { EpochMs } from "../../domain/ids.ts";
import type { JsonBytes, PartsPayload, Payload } from "../../domain/job/payload.ts";
import { INLINE_BYTES, inlinePayload, isJsonBytes, SMALL_JSON_BYTES } from "../../domain/job/payload.ts";
import type { PayloadStore, StoredBytes } from "../../ports/api-store.ts";
import type { Clock } from "../../ports/clock.ts";
import { rowOfPart } from "./api-rows.ts";
import { partKey } from "./keys.ts";
import { isExpired, type Rows } from "./rows.ts";

/** Half of DynamoDB's 400 kB for a row, names and keys included. */
const PART_BYTES = 200_000;

/** 16 parts are 3 MB on their way at a time. */
export const AT_ONCE = 16;

export type PayloadStoreDeps = {
  readonly clock: Clock;
  readonly newWriteId: () => string;
  /** Parts that are written at a time. */
  readonly writesAtOnce: number;
  readonly stored: StoredBytes;
};

/** `putUncounted`: for whoever counts the bytes by itself. */
export function createPayloadStore(
  rows: Rows,
  deps: PayloadStoreDeps,
): PayloadStore & { readonly putUncounted: PutUncounted } {
  return {
    async put(key, json, expiresAt, owner) {
      const bytes = isJsonBytes(json)
        ? Buffer.from(json.buffer, json.byteOffset, json.length)
        : Buffer.from(json);
      if (bytes.length <= INLINE_BYTES) return inlinePayload(bytes.toString());
      if (bytes.length > SMALL_JSON_BYTES) await deps.stored.note(owner, key, bytes.length, expiresAt);
      return writeParts(key, bytes, expiresAt);
    },
    async putUncounted(key, json, expiresAt) {
      const bytes = Buffer.from(json);
      return bytes.length <= INLINE_BYTES ? inlinePayload(json) : writeParts(key, bytes, expiresAt);
    },
    async copy(from, key, expiresAt, owner) {
      if (from.bytes > SMALL_JSON_BYTES) await deps.stored.note(owner, key, from.bytes, expiresAt);
      for (let number = 0; number < from.count; number++) {
        const text = await readPart(from, number);
        if (text === undefined || text === "") return undefined;
        await write(key, number, text, expiresAt);
      }
      return { ...from, key };
    },
    async get(payload) {
      if (payload.type === "inline") return payload.json;
      if (payload.type === "gone") return undefined;
      const texts = await inBatches(payload.count, AT_ONCE, (number) => readPart(payload, number));
      const json = texts.includes(undefined) ? undefined : texts.join("");
      // Another length: they were written again for something else, half of them yet.
      return json !== undefined && Buffer.byteLength(json) === payload.bytes ? json : undefined;
    },
    part: readPart,
    async remove(payload) {
      if (payload.type !== "parts") return;
      await inBatches(payload.count, AT_ONCE, (number) => write(payload.key, number, "", deps.clock.now()));
      await deps.stored.forget(payload.key);
    },
  };

  async function writeParts(key: string, bytes: Buffer, expiresAt: number): Promise<PartsPayload> {
    const parts = spansOf(bytes);
    await inBatches(parts.length, deps.writesAtOnce, (number) => {
      const [from, to] = parts[number] ?? [0, 0];
      return write(key, number, bytes.toString("utf8", from, to), expiresAt);
    });
    return { type: "parts", key, count: parts.length, bytes: bytes.length };
  }

  async function readPart({ key }: PartsPayload, number: number): Promise<string | undefined> {
    const row = await rows.get(partKey(key, number));
    return row === undefined || isExpired(row, deps.clock.now()) ? undefined : row.data;
  }

  /** In place, whatever was there: there is no deletion, a part that expires at once is gone for every reader. */
  async function write(key: string, number: number, data: string, expiresAt: number): Promise<void> {
    await rows.bump({ ...rowOfPart(partKey(key, number), data, expiresAt), writeId: deps.newWriteId() });
  }
}

type PutUncounted = (key: string, json: string, expiresAt: EpochMs) => Promise<Payload>;

/** Whole characters in each part: a row's text must be valid UTF-8 of its own. */
function spansOf(bytes: JsonBytes): (readonly [number, number])[] {
  const parts: (readonly [number, number])[] = [];
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(from + PART_BYTES, bytes.length);
    while (to < bytes.length && isContinuation(bytes[to])) to--;
    parts.push([from, to]);
    from = to;
  }
  return parts;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

async function inBatches<Answer>(
  count: number,
  atOnce: number,
  act: (number: number) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < count; from += atOnce) {
    const length = Math.min(atOnce, count - from);
    answers.push(...(await Promise.all(Array.from({ length }, (_, index) => act(from + index)))));
  }
  return answers;
}
