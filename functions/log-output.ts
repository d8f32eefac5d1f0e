// Where the log's lines go. Whoever reads them may go away (`npm start | head`): the dispatcher works on without a reader.
import type { Writable } from "node:stream";

/** Writes lines to `output` until nobody takes them; `lost` is called once, then. */
export function createLogOutput(
  output: Pick<Writable, "write" | "on">,
  lost: (error: Error) => void,
): (line: string) => void {
  let isOpen = true;
  output.on("error", (error: Error) => {
    if (!isOpen) return;
    isOpen = false;
    lost(error);
  });
  return (line) => {
    if (isOpen) output.write(`${line}\n`);
  };
}
