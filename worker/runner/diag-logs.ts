// Follows the runner's own traces (`_diag`) into the worker's log, which masks secrets: with the container they would be
// gone. The folder is writable by the job: no link is followed, and of a flood only the beginning is taken.
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../shared/ports/log.ts";
import type { WorkerClock } from "../clock.ts";
import { createLineSplitter, type LineSplitter } from "../process/line-splitter.ts";

export type DiagLogs = {
  /** What has been written up to now. */
  catchUp(): Promise<void>;
  /** The last error that the runner traced, for people. */
  lastError(): string | undefined;
  /** With what was written last. */
  end(): Promise<void>;
};

export type DiagLogsDeps = { readonly home: string; readonly clock: WorkerClock; readonly log: Log };

/** `Runner_20261121-100000-utc.log` of the listener, `Worker_…` of the job. */
const FILE = /^(Runner|Worker)_[\w-]{1,64}\.log$/;
const LOOK_MS = 2_000;
/** A job of an hour traces about 2 MB. */
const MAX_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const MAX_FILES = 32;
const LONGEST_WORDS = 300;

/** Files that are there already are an earlier worker's: of them only what is added. */
export async function followDiagLogs({ home, clock, log }: DiagLogsDeps): Promise<DiagLogs> {
  const folder = join(home, "_diag");
  const ended = new AbortController();
  const reader = createReader(folder, log);
  let looking = Promise.resolve();
  await reader.skip();
  const following = poll();

  return {
    catchUp,
    lastError: reader.lastError,
    async end() {
      ended.abort();
      await following;
      await catchUp();
      reader.end();
    },
  };

  async function poll(): Promise<void> {
    while (!ended.signal.aborted) {
      await clock.sleep(LOOK_MS, ended.signal);
      await catchUp();
    }
  }

  /** One look at a time: two would read the same bytes. */
  function catchUp(): Promise<void> {
    looking = looking.then(look);
    return looking;
  }

  async function look(): Promise<void> {
    try {
      await reader.look();
    } catch (error) {
      // The traces are for people; the job must not suffer from them.
      log.warn("diag-unreadable", { message: `${folder} cannot be read.`, error });
      ended.abort();
    }
  }
}

type Followed = { readonly lines: LineSplitter; position: number };

function createReader(folder: string, log: Log) {
  const files = new Map<string, Followed>();
  let taken = 0;
  let error: string | undefined;

  return {
    async skip(): Promise<void> {
      for (const name of await list(folder)) follow(name, await sizeOf(join(folder, name)));
    },
    async look(): Promise<void> {
      for (const name of await list(folder)) await readOn(name, files.get(name) ?? follow(name, 0));
    },
    lastError: () => error,
    end(): void {
      for (const { lines } of files.values()) lines.end();
      files.clear();
    },
  };

  function follow(name: string, position: number): Followed {
    const state = FILE.exec(name)?.[1];
    const lines = createLineSplitter((line) => {
      if (/^\[[^\]]{1,64} ERR /.test(line)) error = line.slice(0, LONGEST_WORDS);
      log.info("diag-line", { state, message: line });
    });
    const file = { lines, position };
    files.set(name, file);
    return file;
  }

  async function readOn(name: string, file: Followed): Promise<void> {
    if (taken >= MAX_BYTES) return;
    const opened = await openRegular(join(folder, name));
    if (opened === undefined) return;
    await using source = opened;
    for (let full = true; full && taken < MAX_BYTES; ) {
      const { buffer, bytesRead } = await source.read(
        Buffer.alloc(CHUNK_BYTES),
        0,
        CHUNK_BYTES,
        file.position,
      );
      file.position += bytesRead;
      taken += bytesRead;
      if (bytesRead > 0) file.lines.push(buffer.subarray(0, bytesRead));
      full = bytesRead === CHUNK_BYTES;
    }
    if (taken < MAX_BYTES) return;
    log.warn("diag-cut", {
      message: `The runner traced more than ${MAX_BYTES} bytes; the rest is left out.`,
    });
  }
}

async function list(folder: string): Promise<readonly string[]> {
  try {
    if (!(await lstat(folder)).isDirectory()) return [];
    return (await readdir(folder)).filter((name) => FILE.test(name)).slice(0, MAX_FILES);
  } catch (error) {
    if (hasCode(error, ["ENOENT", "ENOTDIR"])) return [];
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (hasCode(error, ["ENOENT"])) return 0;
    throw error;
  }
}

/** Neither a link, nor a pipe that nobody writes to, nor a file that is the runner's alone. */
async function openRegular(path: string): Promise<FileHandle | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    return undefined;
  } catch (error) {
    if (hasCode(error, ["ENOENT", "ELOOP", "EACCES", "ENXIO"])) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
