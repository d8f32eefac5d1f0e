// Empties a work folder so that the next job can use it whenever the emptying is cut off: what is in it is moved aside at
// once, and removed then. 60,000 files on a network mount take longer than a pool lets a finished worker live.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { emptyFolder, giveFolder, moveInto, type Owner } from "./empty-folder.ts";

/** A job's own folder of such a name is removed as well. */
const ASIDE = ".npu-dispatch-left-";

/**
 * Answers how many entries would not go. The folder is the owner's, with mode 755, from the moment in which all has been
 * moved aside, and in the end. `signal` ends it early.
 */
export async function clearFolder(path: string, owner: Owner, signal?: AbortSignal): Promise<number> {
  await moveInto(path, `${ASIDE}${randomBytes(6).toString("hex")}`, (name) => name.startsWith(ASIDE));
  await giveFolder(path, owner, 0o755);
  await clearLeft(path, signal);
  const left = await emptyFolder(path, signal);
  await giveFolder(path, owner, 0o755);
  return left;
}

/** Removes what an emptying that was cut off has moved aside; beside a job, which knows nothing of it. */
export async function clearLeft(path: string, signal?: AbortSignal): Promise<void> {
  for (const name of await moveInto(path, undefined, (entry) => entry.startsWith(ASIDE))) {
    if (signal?.aborted) return;
    await emptyFolder(join(path, name), signal);
  }
}
