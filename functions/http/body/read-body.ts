// Reads a body: no more of it than may be, no longer than it keeps coming, within the room that its owner has. JSON is
// looked at meanwhile; nothing is made of it here.
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Context } from "hono";
import type { JsonFault, JsonLimits, JsonShape } from "../../../shared/domain/scan-json.ts";
import { JsonScan } from "../../../shared/domain/scan-json.ts";
import type { ByteRoom, Full, Held, RoomOwner } from "./byte-room.ts";
import { SMALL_BYTES } from "./byte-room.ts";
import type { ChunkSource } from "./chunk-source.ts";
import { chunkSource, declaredLength } from "./chunk-source.ts";
import type { Pace, PaceOwner } from "./pace.ts";

export type BytesDesk = {
  readonly room: ByteRoom;
  readonly pace: Pace;
  /** A body of which nothing came for so long is given up with its connection, ms. */
  readonly stallMs: number;
};
export type BodyDesk = BytesDesk & { readonly json: JsonLimits };

export type BodyAsk = {
  /** Whose room it takes, and whose pace it has. */
  readonly owner: RoomOwner & PaceOwner;
  readonly maxBytes: number;
  /** How long to wait for room, ms; none when left out. */
  readonly waitMs?: number;
  /**
   * From somebody unknown: its word for the length takes no room, all of it must be there within `stallMs`, and when room
   * is needed the one under way longest gives way.
   */
  readonly isUnknown?: boolean;
};

export type Bytes = {
  readonly type: "read";
  readonly bytes: Uint8Array;
  /** To be called when the bytes are no longer in memory. */
  readonly release: () => void;
};
/** `hash`: SHA-256 of the bytes, hex. */
export type Body = Bytes & { readonly shape: JsonShape; readonly hash: string };

type BytesRefusal =
  | { readonly type: "too-large"; readonly limit: number }
  | Full
  /** It stopped coming, broke off or gave way: there is nobody to answer, or soon nobody. */
  | { readonly type: "broken" };
type Faulty = { readonly type: "faulty"; readonly fault: JsonFault };
export type BodyRefusal = BytesRefusal | Faulty;

/** Copied in 1 ms. */
const TURN_BYTES = 2_000_000;

/** A body of JSON. */
export async function readBody(c: Context, desk: BodyDesk, ask: BodyAsk): Promise<Body | BodyRefusal> {
  const scan = new JsonScan(desk.json);
  const sha256 = createHash("sha256");
  const read = await readBytes(c, desk, ask, (chunk) => {
    sha256.update(chunk);
    return scan.push(chunk);
  });
  if (read.type !== "read") return read;
  const shape = scan.end();
  if (shape.type === "json") return { ...read, shape, hash: sha256.digest("hex") };
  read.release();
  return { type: "faulty", fault: shape };
}

/** Whatever it is. `look` may refuse it at any chunk. */
export async function readBytes(
  c: Context,
  desk: BytesDesk,
  ask: BodyAsk,
  look: (chunk: Uint8Array) => JsonFault | undefined,
): Promise<Bytes | BodyRefusal> {
  const declared = declaredLength(c) ?? 0;
  if (declared > ask.maxBytes) return { type: "too-large", limit: ask.maxBytes };
  const isUnknown = ask.isUnknown === true;
  const source = chunkSource(c, { stallMs: desk.stallMs, isWhole: isUnknown });
  const bytes = isUnknown ? 0 : declared;
  const held = await hold(c, desk, ask, { bytes, source });
  if (held.type === "full") return held;
  const collected = await collect(source, desk, ask, { held, bytes, look });
  if (collected instanceof Uint8Array) return { type: "read", bytes: collected, release: held.release };
  held.release();
  return collected;
}

function hold(
  c: Context,
  { room }: BytesDesk,
  { owner, waitMs = 0, isUnknown }: BodyAsk,
  { bytes, source }: { readonly bytes: number; readonly source: ChunkSource },
): Promise<Held | Full> | Held | Full {
  if (isUnknown === true) return room.take(owner, bytes, source.abandon);
  if (waitMs === 0) return room.take(owner, bytes);
  return room.wait(owner, bytes, { ms: waitMs, signal: c.req.raw.signal });
}

type Intake = {
  readonly held: Held;
  /** Of them are held already. */
  readonly bytes: number;
  readonly look: (chunk: Uint8Array) => JsonFault | undefined;
};

async function collect(
  source: ChunkSource,
  desk: BytesDesk,
  ask: BodyAsk,
  intake: Intake,
): Promise<Uint8Array | BodyRefusal> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of source.chunks) {
      size += chunk.length;
      const refusal = takeIn(chunk, size, ask.maxBytes, intake);
      if (refusal !== undefined) return refusal;
      chunks.push(chunk);
      const waitMs = desk.pace(ask.owner, chunk.length);
      if (waitMs >= 1 && size > SMALL_BYTES) await source.pause(waitMs);
    }
    return await joined(chunks, size);
  } catch (_brokenOff) {
    return { type: "broken" };
  } finally {
    source.end();
  }
}

/** 20 MB put together in one go, with the pages that they need, hold the process for 10 ms and more. */
async function joined(chunks: readonly Uint8Array[], size: number): Promise<Uint8Array> {
  const [first, second] = chunks;
  if (first !== undefined && second === undefined) return first;
  const whole = Buffer.allocUnsafeSlow(size);
  let at = 0;
  let turnEnds = TURN_BYTES;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
    if (at < turnEnds) continue;
    turnEnds += TURN_BYTES;
    await nextTurn();
  }
  return whole;
}

/** `size`: of the body, with this chunk. */
function takeIn(chunk: Uint8Array, size: number, limit: number, intake: Intake): BodyRefusal | undefined {
  if (size > limit) return { type: "too-large", limit };
  const more = Math.min(chunk.length, size - intake.bytes);
  const full = more > 0 ? intake.held.add(more) : undefined;
  if (full !== undefined) return full;
  const fault = intake.look(chunk);
  return fault === undefined ? undefined : { type: "faulty", fault };
}
