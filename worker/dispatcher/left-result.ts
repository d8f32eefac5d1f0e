// The last word of a worker where its pool can read it, should the dispatcher stay away.
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../shared/ports/log.ts";
import type { JobDone } from "../../shared/protocol/worker-plane.ts";

export type ResultPlace = {
  readonly workDir: string;
  /** A file that the pool made, written in place; `result.json` in `workDir` without it. */
  readonly resultFile: string | undefined;
  readonly log: Log;
};

/** Kubernetes keeps the last 4,096 bytes of a container's termination message. */
const RESULT_FILE_BYTES = 4_096;

/** Writes the job-done body. A full or read-only disk must not cost the report its other way. */
export async function keepResult({ workDir, resultFile, log }: ResultPlace, body: JobDone): Promise<boolean> {
  const path = resultFile ?? join(workDir, "result.json");
  try {
    // In place, for it may be a mount of its own; what the pool reads, it reads after our end.
    if (resultFile !== undefined) await writeFile(path, shortened(body), { flag: "r+" });
    else await replace(path, JSON.stringify(body));
    return true;
  } catch (error) {
    log.warn("result-not-kept", { message: `${path} could not be written.`, error });
    return false;
  }
}

/** The dispatcher has it. */
export async function takeBackResult({ workDir, resultFile }: ResultPlace): Promise<void> {
  if (resultFile === undefined) await rm(join(workDir, "result.json"), { force: true });
  else await writeFile(resultFile, "");
}

/** Renamed into place: the pool never reads half a file. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** Texts are cut until it fits; half a body would be no word at all. */
function shortened(body: JobDone): string {
  for (let length = RESULT_FILE_BYTES; ; length = Math.floor(length / 2)) {
    const text = JSON.stringify(body, (_key, value) =>
      typeof value === "string" && value.length > length ? `${value.slice(0, length)}…` : value,
    );
    if (Buffer.byteLength(text) <= RESULT_FILE_BYTES || length === 0) return text;
  }
}
