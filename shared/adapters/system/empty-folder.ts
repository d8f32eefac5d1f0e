// Empties a folder that a job filled: whatever modes, owners, links and depth it left, and nothing outside of it. Linux
// only.
import { constants } from "node:fs";
import {
  chmod,
  chown,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  unlink,
} from "node:fs/promises";

/** Open a folder that may not be read, to name it: not in Node's constants. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;

/**
 * Answers how many entries of the folder would not go: of another user without the right to take them, or mounts. A path
 * that is no folder is left alone. `signal` ends it early.
 */
export async function emptyFolder(path: string, signal?: AbortSignal): Promise<number> {
  const root = await openFolder(path);
  if (root === undefined) return 0;
  await using folder = root;
  await take(folder);
  const { dev } = await folder.stat();
  const stuck = new Set<string>();
  for (let moved = 0; !signal?.aborted; ) {
    const names = (await namesIn(folder)).filter((name) => !stuck.has(keyOf(name)));
    if (names.length === 0) return stuck.size;
    for (const name of names) {
      if (signal?.aborted) break;
      const removed = await removeEntry(folder, name, dev, () => {
        moved += 1;
        return Buffer.from(`.npu-dispatch-${process.pid}-${moved}`);
      });
      if (!removed) stuck.add(keyOf(name));
    }
  }
  return (await namesIn(folder)).length;
}

/**
 * Takes the folder away with all that is in it; what is not there is gone. Throws, with what to do, where something
 * stays.
 */
export async function removeFolder(path: string): Promise<void> {
  // Mostly enough, and it adds no names of its own under the hands of somebody who removes what is around the folder.
  if (await isGone(rm(path, { recursive: true, force: true }))) return;
  const left = await emptyFolder(path);
  if (left > 0) {
    throw new Error(
      `${path} keeps ${left} entries that would not go: another user's, or mounts. Remove it by hand.`,
    );
  }
  await rm(path, { recursive: true, force: true });
}

export type Owner = { readonly uid: number; readonly gid: number };

/**
 * Moves the folder's entries into a new one of it, `target`, but those that `stays`; answers the names that stay, the new
 * one among them. Without a target nothing is moved. What cannot be moved, a mount, stays where it is.
 */
export async function moveInto(
  path: string,
  target: string | undefined,
  stays: (name: string) => boolean,
): Promise<string[]> {
  const root = await openFolder(path);
  if (root === undefined) return [];
  await using folder = root;
  if (target === undefined) return (await namesIn(folder)).map(String).filter(stays);
  await take(folder);
  const moving = (await namesIn(folder)).filter((name) => !stays(String(name)));
  if (moving.length > 0) await mkdir(at(folder, Buffer.from(target)), { mode: 0o700 });
  for (const name of moving) {
    const inner = await openFolder(at(folder, name));
    // A folder that moves gets another `..`: that is a write to it.
    if (inner !== undefined) await take(inner);
    await inner?.close();
    await isGone(rename(at(folder, name), Buffer.concat([at(folder, Buffer.from(`${target}/`)), name])));
  }
  return (await namesIn(folder)).map(String).filter(stays);
}

/** Gives it to a user, who may write there then. What is no folder is left alone: nobody can put a link in between. */
export async function giveFolder(path: string, { uid, gid }: Owner, mode: number): Promise<void> {
  const root = await openFolder(path);
  if (root === undefined) return;
  await using folder = root;
  await take(folder);
  await chmod(at(folder), mode);
  await chown(at(folder), uid, gid);
}

/** Bytes, since a job may give a file a name that is no UTF-8. */
type Name = Buffer;

/** By its open file and not by its path: nobody can put a link in between. */
function at(folder: FileHandle, name: Name = Buffer.alloc(0)): Name {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), name]);
}

function keyOf(name: Name): string {
  return name.toString("latin1");
}

/** A folder's own folders are moved up first: no depth of them needs a deeper stack, a longer path or more open files. */
async function removeEntry(
  root: FileHandle,
  name: Name,
  dev: number,
  freshName: () => Name,
): Promise<boolean> {
  if (await isGone(unlink(at(root, name)))) return true;
  const opened = await openFolder(at(root, name));
  if (opened === undefined) return false;
  await using folder = opened;
  // Not what is mounted there.
  if ((await folder.stat()).dev !== dev) return false;
  await take(folder);
  for (const child of await namesIn(folder)) {
    if (await isGone(unlink(at(folder, child)))) continue;
    const inner = await openFolder(at(folder, child));
    if (inner === undefined) continue;
    // A folder that moves gets another `..`: that is a write to it.
    await take(inner);
    await inner.close();
    await isGone(rename(at(folder, child), at(root, freshName())));
  }
  return await isGone(rmdir(at(root, name)));
}

/** Undefined for what is no folder. A symbolic link is none. */
async function openFolder(path: string | Name): Promise<FileHandle | undefined> {
  try {
    return await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"])) return undefined;
    throw error;
  }
}

/** Root without the right to read everything must own a folder to enter it; another user can only open what is its own. */
async function take(folder: FileHandle): Promise<void> {
  if (process.getuid?.() === 0) await isGone(chown(at(folder), 0, 0));
  await isGone(chmod(at(folder), 0o700));
}

async function namesIn(folder: FileHandle): Promise<Name[]> {
  try {
    return await readdir(at(folder), { encoding: "buffer" });
  } catch (error) {
    if (hasCode(error, ["EACCES", "ENOENT"])) return [];
    throw error;
  }
}

/** True when `step` was done, or had nothing to do; false where the file system refuses it. */
async function isGone(step: Promise<void>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (hasCode(error, ["ENOENT"])) return true;
    if (hasCode(error, REFUSALS)) return false;
    throw error;
  }
}

const REFUSALS = ["EISDIR", "EPERM", "EACCES", "EBUSY", "ENOTEMPTY", "EXDEV", "EROFS", "ENOTDIR"];

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
