// Reads files that may be missing, and files that a job could have made into a trap.
import { constants } from "node:fs";
import { type FileHandle, open, readFile, stat } from "node:fs/promises";

/** Payloads are at most 20 MB; a larger result is not ours. */
const MAX_RESULT_BYTES = 20 * 1024 * 1024;

/** Enough for a console page and a stack trace; a runner prints some 2 kB for a job. */
const MAX_TAIL_BYTES = 64 * 1024;

export async function readText(path: string): Promise<string | undefined> {
  return unless(["ENOENT"], () => readFile(path, "utf8"));
}

export async function exists(path: string): Promise<boolean> {
  return (await unless(["ENOENT"], () => stat(path))) !== undefined;
}

/** The job could write there too: no link is followed, no pipe waited for, no endless file read. */
export async function readResult(path: string): Promise<string | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const traps = ["ENOENT", "ELOOP", "ENXIO", "ENOTDIR", "EACCES", "EPERM"];
  return withFile(path, flags, traps, async (file) => {
    const info = await file.stat();
    return info.isFile() && info.size <= MAX_RESULT_BYTES ? await file.readFile("utf8") : undefined;
  });
}

/** The last `count` lines of at most 64 kB; a line cut at its start by that limit is left out. Empty without a file. */
export async function readTail(path: string, count: number): Promise<string[]> {
  if (count <= 0) return [];
  const lines = await withFile(path, constants.O_RDONLY, ["ENOENT"], async (file) => {
    const { size } = await file.stat();
    const start = Math.max(0, size - MAX_TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const all = buffer.toString("utf8", 0, bytesRead).split("\n");
    if (all.at(-1) === "") all.pop();
    // A single line longer than the limit is better cut than missing.
    return start > 0 && all.length > 1 ? all.slice(1) : all;
  });
  return lines?.slice(-count) ?? [];
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** Undefined when `act` fails with one of `codes`. */
export async function unless<T>(codes: string[], act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
}

async function withFile<T>(
  path: string,
  flags: number,
  absent: string[],
  use: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  const file = await unless(absent, () => open(path, flags));
  if (file === undefined) return undefined;
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
