// One transaction, and so one sync of the disk, for all writes of one turn of the event loop.
//
// A write costs 0.01 ms, its sync 0.2 to 1 ms: a pass that starts 64 workers, or a purge of 1,000 jobs, waits for the
// disk a few times instead of a thousand. No promise resolves before its transaction is on the disk.
// biome-ignore lint/correctness/noUnresolvedImports: Biome 2.6.8 does not know node:sqlite, a part of Node 24
import type { DatabaseSync } from "node:sqlite";

/**
 * Parts of bodies, 200 kB each: one per turn, which takes 2 ms, after the small writes that came with it. 16 of them in one
 * transaction take 12 ms, for which everybody else would wait.
 */
const LARGE_BYTES = 100_000;
/**
 * They are written once, so that their pages gain nothing by waiting in the log: 16 MB of it, which small rows may fill,
 * are put into the table in 38 ms, 800 kB in 4.
 */
const CHECKPOINT_BYTES = 800_000;

export type GroupCommit = {
  /** What `write`, of so many bytes, answers, once it is durable. */
  run<Answer>(write: () => Answer, bytes: number): Promise<Answer>;
  /** Commits what waits, now. */
  flush(): void;
};

type Waiting = {
  readonly write: () => unknown;
  readonly bytes: number;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
};

export function createGroupCommit(database: DatabaseSync): GroupCommit {
  const small: Waiting[] = [];
  const large: Waiting[] = [];
  let isPlanned = false;
  let inLog = 0;
  return {
    run<Answer>(write: () => Answer, bytes: number) {
      plan();
      const queue = bytes < LARGE_BYTES ? small : large;
      return new Promise<Answer>((resolve, reject) => void queue.push({ write, bytes, resolve, reject }));
    },
    flush() {
      commit(database, [...small.splice(0), ...large.splice(0)]);
    },
  };

  function plan(): void {
    if (!isPlanned) setImmediate(commitTurn);
    isPlanned = true;
  }

  function commitTurn(): void {
    isPlanned = false;
    commit(database, small.splice(0));
    const [part] = large.splice(0, 1);
    if (part !== undefined) commitPart(part);
    if (large.length > 0) plan();
  }

  function commitPart(part: Waiting): void {
    commitAlone(part);
    inLog += part.bytes;
    if (inLog < CHECKPOINT_BYTES) return;
    inLog = 0;
    setImmediate(() => checkpoint(database));
  }
}

function commit(database: DatabaseSync, group: readonly Waiting[]): void {
  if (group.length > 1 && commitTogether(database, group)) return;
  for (const one of group) commitAlone(one);
}

/** False when any of them failed: none has taken place then, and each is tried alone, to fail or succeed by itself. */
function commitTogether(database: DatabaseSync, group: readonly Waiting[]): boolean {
  let answers: unknown[];
  try {
    database.exec("BEGIN IMMEDIATE");
    answers = group.map(({ write }) => write());
    database.exec("COMMIT");
  } catch {
    // A full disk may have ended the transaction already. Why it failed, the write that is tried alone says.
    if (database.isTransaction) database.exec("ROLLBACK");
    return false;
  }
  for (const [index, { resolve }] of group.entries()) resolve(answers[index] as never);
  return true;
}

function commitAlone({ write, resolve, reject }: Waiting): void {
  try {
    resolve(write() as never);
  } catch (error) {
    reject(error);
  }
}

/** What cannot be put into the table now stays in the log, and the write that finds no room says why. */
function checkpoint(database: DatabaseSync): void {
  if (!database.isOpen) return;
  try {
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch (_full) {
    return;
  }
}
