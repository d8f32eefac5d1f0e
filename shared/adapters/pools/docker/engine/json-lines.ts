// What an engine tells bit by bit: JSON objects, one per line.
import { parseJson } from "./engine-answer.ts";

/** Longest line that is kept: one is some 200 bytes, an error of a registry may bring its whole page. */
const MAX_LINE = 64 * 1024;

/** Each line as it comes, the last one without a line break too; undefined for one that is no JSON. */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE);
    for (const line of lines) yield parseJson(line);
  }
  if (rest !== "") yield parseJson(rest);
}
