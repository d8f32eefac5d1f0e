// JSON of up to 20 MB in a table whose rows hold 400 kB: in the noun's own row when small, else in rows of parts.
import { INLINE_BYTES, inlinePayload } from "../../domain/job/payload.ts";
import type { PayloadStore } from "../../ports/api-store.ts";
import type { Clock } from "../../ports/clock.ts";
import { rowOfPart } from "./api-rows.ts";
import { partKey } from "./keys.ts";
import { isExpired, type Row, type Rows } from "./rows.ts";

/** Half of DynamoDB's 400 kB for a row, names and keys included. */
const PART_BYTES = 200_000;

/** 16 parts are 3 MB on their way at a time. */
export const AT_ONCE = 16;

export function createPayloadStore(
  rows: Rows,
  deps: { readonly clock: Clock; readonly newWriteId: () => string },
): PayloadStore {
  return {
    async put(key, json, expiresAt) {
      const bytes = Buffer.from(json);
      if (bytes.length <= INLINE_BYTES) return inlinePayload(json);
      const parts = split(bytes);
      await inBatches(parts.length, (number) => write(key, number, parts[number] ?? "", expiresAt));
      return { type: "parts", key, count: parts.length, bytes: bytes.length };
    },
    async get(payload) {
      if (payload.type === "inline") return payload.json;
      const { key, count, bytes } = payload;
      const found = await inBatches(count, (number) => rows.get(partKey(key, number)));
      const texts = found.map((row) => (row === undefined || isDead(row) ? undefined : row.data));
      const json = texts.includes(undefined) ? undefined : texts.join("");
      // Another length: they were written again for something else, half of them yet.
      return json !== undefined && Buffer.byteLength(json) === bytes ? json : undefined;
    },
    async remove(payload) {
      if (payload.type === "inline") return;
      await inBatches(payload.count, (number) => write(payload.key, number, "", deps.clock.now()));
    },
  };

  /** In place, whatever was there: there is no deletion, a part that expires at once is gone for every reader. */
  async function write(key: string, number: number, data: string, expiresAt: number): Promise<void> {
    await rows.bump({ ...rowOfPart(partKey(key, number), data, expiresAt), writeId: deps.newWriteId() });
  }

  function isDead(row: Row): boolean {
    return isExpired(row, deps.clock.now());
  }
}

/** Whole characters in each part: a row's text must be valid UTF-8 of its own. */
function split(bytes: Buffer): string[] {
  const parts: string[] = [];
  for (let from = 0; from < bytes.length; ) {
    let to = Math.min(from + PART_BYTES, bytes.length);
    while (to < bytes.length && isContinuation(bytes[to])) to--;
    parts.push(bytes.toString("utf8", from, to));
    from = to;
  }
  return parts;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

async function inBatches<Answer>(count: number, act: (number: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const length = Math.min(AT_ONCE, count - from);
    answers.push(...(await Promise.all(Array.from({ length }, (_, index) => act(from + index)))));
  }
  return answers;
}
