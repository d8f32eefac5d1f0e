// Chunks of a program's output to lines, in bounded memory whatever the program prints.
import { StringDecoder } from "node:string_decoder";

export type LineSplitter = { push(chunk: Buffer): void; end(): void };

/** The runner's own lines are below 300 characters; what comes after this many is dropped up to the next line. */
const LONGEST_LINE = 8_192;

export function createLineSplitter(onLine: (line: string) => void, longest = LONGEST_LINE): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const take = (text: string) => {
    const lines = text.split("\n");
    const last = lines.pop() ?? "";
    for (const line of lines) {
      onLine((rest + line).slice(0, longest).replace(/\r$/, ""));
      rest = "";
    }
    rest = (rest + last).slice(0, longest);
  };
  return {
    push: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end());
      if (rest !== "") onLine(rest.replace(/\r$/, ""));
      rest = "";
    },
  };
}
