// One small file out of a tar archive, as an engine sends it.

const BLOCK = 512;

/**
 * The text of the first entry. Undefined where that is no plain file (a job could leave a link or a pipe there), larger
 * than `maxBytes`, or cut off. Reads no further than it needs.
 */
export async function readTarFile(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  let place: Place | undefined;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    // Only the first blocks are looked at again and again.
    place ??= findFile(Buffer.concat(parts));
    if (place === "none" || (place !== undefined && place.size > maxBytes)) return undefined;
    if (place !== undefined && length >= place.start + place.size) {
      return Buffer.concat(parts).toString("utf8", place.start, place.start + place.size);
    }
  }
  return undefined;
}

type Place = { readonly start: number; readonly size: number } | "none";

/** Undefined: more bytes are needed to say. */
function findFile(bytes: Buffer): Place | undefined {
  let at = 0;
  while (bytes.length >= at + BLOCK) {
    const header = bytes.subarray(at, at + BLOCK);
    const size = sizeIn(header);
    const type = String.fromCharCode(header[156] ?? 0);
    if (size === undefined) return "none";
    // NUL in archives of old. `x` and `g` are further attributes of the entry that follows.
    if (type === "0" || type === "\0") return { start: at + BLOCK, size };
    if (type !== "x" && type !== "g") return "none";
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (at > MAX_ATTRIBUTES) return "none";
  }
  return undefined;
}

/** Attributes are some 100 bytes. */
const MAX_ATTRIBUTES = 64 * 1024;

/** Octal text; sizes from 8 GB on have another form, and are none of ours. */
function sizeIn(header: Buffer): number | undefined {
  const text = header.toString("latin1", 124, 136).replaceAll("\0", "").trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}
