// The end of a container's output out of the frames in which an engine sends it.

/** Frames begin with the stream (0 to 2), three zeros and the length of the payload, big endian. */
const HEADER_BYTES = 8;

/** Enough for a console page and a stack trace. */
const MAX_TAIL_BYTES = 64 * 1024;

/** The last `count` lines of at most 64 kB; a line cut at its start by that limit is left out. */
export async function tailOfFrames(chunks: AsyncIterable<Uint8Array>, count: number): Promise<string[]> {
  let tail = Buffer.alloc(0);
  let cut = false;
  for await (const payload of payloadsOf(chunks)) {
    const all = Buffer.concat([tail, payload]);
    cut ||= all.length > MAX_TAIL_BYTES;
    tail = all.subarray(-MAX_TAIL_BYTES);
  }
  const lines = tail.toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  // A single line longer than the limit is better cut than missing.
  return (cut && lines.length > 1 ? lines.slice(1) : lines).slice(-count);
}

/** Payloads of both streams in the order in which they came, in pieces. */
async function* payloadsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let header = Buffer.alloc(0);
  let left = 0;
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (rest.length > 0) {
      if (left > 0) {
        yield rest.subarray(0, left);
        const taken = Math.min(left, rest.length);
        left -= taken;
        rest = rest.subarray(taken);
        continue;
      }
      const missing = HEADER_BYTES - header.length;
      header = Buffer.concat([header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (header.length < HEADER_BYTES) break;
      left = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  }
}
