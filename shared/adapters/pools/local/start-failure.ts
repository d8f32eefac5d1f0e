// What a failed start means to the dispatcher: try again later, or not at all.
import type { StartOutcome } from "../../../ports/pool-driver.ts";

/** The host is short of something and may have it again: processes, memory, files, disk. */
const SHORTAGES: { readonly [code: string]: string } = {
  EAGAIN: "the host allows no more processes (see `ulimit -u`)",
  ENOMEM: "the host is out of memory",
  EMFILE: "the dispatcher has too many open files (see `ulimit -n`)",
  ENFILE: "the host has too many open files",
  ENOSPC: "the disk of the pool's folder is full",
  EDQUOT: "the disk quota of the pool's folder is used up",
};
const SHORTAGE_RETRY_MS = 5_000;

const PROGRAM_FAULTS: { readonly [code: string]: string } = {
  ENOENT: "was not found, nor, if it is a script, the interpreter that it names: check the path and PATH",
  EACCES: "may not be executed: check its mode",
  EPERM: "may not be executed by this user",
  ENOTDIR: "was not found: a part of its path is not a folder",
  EISDIR: "is a folder",
  ENOEXEC: "is no program for this machine",
  ELOOP: "is a circle of symbolic links",
  ETXTBSY: "is being written",
  E2BIG: "was given more arguments and environment than the system takes",
  ERR_INVALID_ARG_VALUE: "was given an argument or variable with a NUL character",
};

/** A search that finds nothing ends with EACCES when it met a folder that is closed to this user, as root's are. */
const NOT_IN_PATH =
  "was not found, or may not be executed: check its mode, and PATH, which has folders closed to this user";

const FOLDER_FAULTS: { readonly [code: string]: string } = {
  EACCES: "is not writable",
  EPERM: "is not writable",
  EROFS: "is on a read-only file system",
  ENOTDIR: "is below a file, not a folder",
  ELOOP: "is a circle of symbolic links",
  ENAMETOOLONG: "has too long a path",
};

/** Throws `error` when it is none of what a start is known to meet. */
export function startFailure(error: unknown, program: string): StartOutcome {
  const { code = "", syscall = "", path } = error as NodeJS.ErrnoException;
  const shortage = SHORTAGES[code];
  if (shortage !== undefined) {
    return {
      type: "unavailable",
      message: `no worker can start: ${shortage}`,
      retryAfterMs: SHORTAGE_RETRY_MS,
    };
  }
  const spawning = syscall.startsWith("spawn") || code === "ERR_INVALID_ARG_VALUE";
  const fault =
    spawning && code === "EACCES" && !program.includes("/")
      ? NOT_IN_PATH
      : (spawning ? PROGRAM_FAULTS : FOLDER_FAULTS)[code];
  if (fault === undefined) throw error;
  const what = spawning ? `the worker's program ${program}` : `the pool's folder (at ${path ?? "unknown"})`;
  return { type: "refused", message: `${what} ${fault}` };
}
