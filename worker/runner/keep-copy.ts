// A copy of a large folder that workers of one machine link their own from, so that none of them links to the original. A
// job may write through its links into what others have linked; whoever comes next sees that it was, and copies anew.
import { mkdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { RunProgram } from "../process/run-program.ts";

/**
 * The path of the copy of `source` below `kept`, as it was made; undefined: there is none, and somebody else makes it
 * just now, or it cannot be made. Looking costs 0.05 s for 6,000 files, copying 400 MB up to 6 s.
 */
export async function keepCopy(source: string, kept: string, run: RunProgram): Promise<string | undefined> {
  const path = join(kept, basename(source));
  const wanted = await stateOf(source, run);
  if (wanted === undefined) return undefined;
  if (await isAsMade(path, wanted, run)) return path;
  const lock = `${kept}.lock`;
  if (!(await take(lock))) return undefined;
  try {
    // Somebody may have made it meanwhile.
    const isThere = (await isAsMade(path, wanted, run)) || (await make(source, kept, wanted, run));
    return isThere ? path : undefined;
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

const NOTE = "made.json";
const COPY_MS = 120_000;
const LOOK_MS = 30_000;

async function isAsMade(path: string, wanted: string, run: RunProgram): Promise<boolean> {
  const note = await readFile(join(dirname(path), NOTE), "utf8").catch(() => "");
  if (note === "") return false;
  const { source, copy } = JSON.parse(note) as { source: string; copy: string };
  return source === wanted && copy === (await stateOf(path, run));
}

/**
 * Of every file: name, kind, size, time of change, mode, owner, target. Not its inode's own time, which each link
 * changes. One number for all.
 */
async function stateOf(folder: string, run: RunProgram): Promise<string | undefined> {
  const list = `cd "$1" && find . -printf '%P %y %s %T@ %m %U %l\\n' | sort | sha256sum`;
  // A folder's own time and size change with what is made and removed in it; so do the names.
  const result = await run("sh", ["-c", list, "sh", folder], LOOK_MS);
  return result.type === "exited" && result.code === 0 ? result.output.trim() : undefined;
}

async function make(source: string, kept: string, wanted: string, run: RunProgram): Promise<boolean> {
  const [fresh, old] = [`${kept}.new`, `${kept}.old`];
  for (const rest of [fresh, old]) await rm(rest, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const copied = await run("cp", ["-a", "-H", "--", source, fresh], COPY_MS);
  if (copied.type !== "exited" || copied.code !== 0) return false;
  const copy = await stateOf(join(fresh, basename(source)), run);
  await writeFile(join(fresh, NOTE), JSON.stringify({ source: wanted, copy }));
  // Who has linked to the old one keeps what it has.
  await rename(kept, old).catch(() => undefined);
  await rename(fresh, kept);
  await rm(old, { recursive: true, force: true });
  return true;
}

/** A worker that died over it holds it no longer than a copy takes. */
async function take(lock: string): Promise<boolean> {
  try {
    await mkdir(dirname(lock), { recursive: true });
    await mkdir(lock);
    return true;
  } catch {
    const { mtimeMs = Number.POSITIVE_INFINITY } = await stat(lock).catch(() => ({ mtimeMs: undefined }));
    if (Date.now() - mtimeMs > COPY_MS) await rmdir(lock).catch(() => undefined);
    return false;
  }
}
