// Opens the embedded database file: durable, locked to this process, readable by its owner only.
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
// biome-ignore lint/correctness/noUnresolvedImports: Biome 2.6.8 does not know node:sqlite, a part of Node 24
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../ports/store.ts";
import { SCHEMA } from "./statements.ts";

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** Long enough for a predecessor that is just closing its file in a restart. */
const LOCK_WAIT_MS = 2_000;

/** Bumped when SCHEMA changes in a way that needs a migration. */
const SCHEMA_VERSION = 1;

/** Throws StoreError when another process has the file open, or a newer program wrote it. */
export function openDatabase(file: string, lockWaitMs: number = LOCK_WAIT_MS): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // Created here because SQLite would make it readable for all; the rows hold sealed secrets.
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, "a", 0o600));
    database = new DatabaseSync(file, { timeout: lockWaitMs });
    prepare(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw openError(error, file);
  }
}

/**
 * The exclusive lock is the kernel's: it ends with the process, however that dies, so no stale lock file is left.
 * FULL syncs the log at each commit, so an acknowledged write survives a power cut, where NORMAL only survives
 * kill -9. Price of a write of 1.5 kB on an SSD: 0.18 ms with FULL, 0.04 ms with NORMAL.
 */
function prepare(database: DatabaseSync, file: string): void {
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  // With 100,000 jobs waiting the indexes have some 100 MB: 64 MB of pages in memory, the rest by the kernel's cache, and a
  // checkpoint per 16 MB instead of 4 make a start cost about as much as with 100 jobs (`npm run bench -- dispatch`).
  database.exec(
    "PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824; PRAGMA wal_autocheckpoint = 4000;",
  );
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${file} was written by a newer version of npu-dispatch (schema ${version}). Run that version.`,
      {
        retryable: false,
      },
    );
  }
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
}

function openError(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error;
  if (resultCode(error) === SQLITE_BUSY) {
    return new StoreError(
      `${file} is in use by another dispatcher. One data folder serves one dispatcher: stop the other one, or give this one its own folder.`,
      { retryable: false, cause: error },
    );
  }
  if (isDamaged(error)) {
    return new StoreError(`${file} cannot be read: ${textOf(error)}. ${DAMAGED}`, {
      retryable: false,
      cause: error,
    });
  }
  return new StoreError(
    `Cannot open ${file}: ${textOf(error)}. Check that the folder can be written and the disk is not full.`,
    { retryable: false, cause: error },
  );
}

/** What went wrong in a statement on an open database; worth another try while the disk may recover. */
export function statementError(error: unknown, what: string): StoreError {
  const retryable = [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_FULL].includes(resultCode(error) ?? -1);
  const advice = retryable ? "Check the disk's free space and health." : adviceOf(error);
  return new StoreError(`SQLite could not ${what}: ${textOf(error)}. ${advice}`, { retryable, cause: error });
}

function adviceOf(error: unknown): string {
  return isDamaged(error) ? DAMAGED : "See the cause.";
}

function isDamaged(error: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(resultCode(error) ?? -1);
}

const DAMAGED =
  "Stop the dispatcher and restore the file with its -wal from a backup; or move both away and start anew: what waits at GitHub is found again, API jobs and keys are lost.";

/** SQLite's primary result code, the low byte of the extended one. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === "number" ? code & 0xff : undefined;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
