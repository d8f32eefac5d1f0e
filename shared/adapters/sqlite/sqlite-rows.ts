// Rows in a SQLite table. Each write is one statement, committed before its promise resolves.
// biome-ignore lint/correctness/noUnresolvedImports: Biome 2.6.8 does not know node:sqlite, a part of Node 24
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Clock } from "../../ports/clock.ts";
import type { DueEntry, LaneEntry, Row, Rows, SetEntry, SetKey } from "../store/rows.ts";
import { statementError } from "./database.ts";
import { createGroupCommit } from "./group-commit.ts";
import { STATEMENTS } from "./statements.ts";

type Statement = keyof typeof STATEMENTS;
type Parameters = Record<string, SQLInputValue>;

/** SQLite has no TTL: the first writes of each hour take out what has expired, this many rows each, until none is left. */
const PURGE_EVERY_MS = 3_600_000;
const PURGE_LIMIT = 100;

/** In SQLite's LIMIT, a negative number is none. */
const NO_LIMIT = -1;

export type SqliteRows = Rows & {
  /** Commits what waits: before the database is closed. */
  flush(): void;
};

export function createSqliteRows(database: DatabaseSync, clock: Clock): SqliteRows {
  const commits = createGroupCommit(database);
  const prepared = new Map<Statement, StatementSync>();
  let purgedAt = Number.NEGATIVE_INFINITY;
  return {
    get: async (pk) => {
      const [found] = all<Record<keyof Row, SQLInputValue>>("get", { pk });
      return found === undefined ? undefined : rowOf(found);
    },
    async put(row, condition) {
      await purgeNowAndThen();
      const changed =
        "version" in condition
          ? await run("replace", { ...fields(row), expected: condition.version })
          : await run("create", { ...fields(row), absentAt: condition.absentAt });
      return changed === 1;
    },
    touch: async (pk, beat) => (await run("touch", { pk, ...beat })) === 1,
    bump: async (row) => {
      await run("bump", { ...fields(row), version: 1 });
    },
    queryLane: async (lanePk, limit) => all<LaneEntry>("queryLane", { lanePk, limit }),
    queryDue: async (until, limit) => all<DueEntry>("queryDue", { until, limit }),
    querySet: async (setPk, limit = NO_LIMIT) =>
      all<Nullable<SetEntry>>("querySet", { setPk, limit }).map(dropNulls),
    querySetKeys: async (setPk, limit = NO_LIMIT) => all<SetKey>("querySetKeys", { setPk, limit }),
    flush: commits.flush,
  };

  function run(name: Statement, parameters: Parameters): Promise<number> {
    const { data } = parameters;
    const bytes = typeof data === "string" ? data.length : 0;
    return commits.run(() => attempt(name, () => Number(statement(name).run(parameters).changes)), bytes);
  }

  function all<Entry>(name: Statement, parameters: Parameters): Entry[] {
    return attempt(name, () => statement(name).all(parameters) as Entry[]);
  }

  function statement(name: Statement): StatementSync {
    const known = prepared.get(name) ?? database.prepare(STATEMENTS[name]);
    prepared.set(name, known);
    return known;
  }

  async function purgeNowAndThen(): Promise<void> {
    const now = clock.now();
    if (now - purgedAt < PURGE_EVERY_MS) return;
    const before = purgedAt;
    purgedAt = now;
    const purged = await run("purge", { nowSeconds: Math.floor(now / 1_000), limit: PURGE_LIMIT });
    if (purged === PURGE_LIMIT) purgedAt = before;
  }
}

type Nullable<Entry> = { [Key in keyof Entry]: Entry[Key] | null };

function attempt<Answer>(name: Statement, act: () => Answer): Answer {
  try {
    return act();
  } catch (error) {
    throw statementError(error, `run "${name}"`);
  }
}

function fields(row: Row): Parameters {
  return {
    pk: row.pk,
    kind: row.kind,
    version: row.version,
    writeId: row.writeId,
    schema: row.schema,
    data: row.data,
    lanePk: row.lanePk ?? null,
    laneSk: row.laneSk ?? null,
    cards: row.cards ?? null,
    dueAt: row.dueAt ?? null,
    setPk: row.setPk ?? null,
    setSk: row.setSk ?? null,
    expiresAt: row.expiresAt ?? null,
  };
}

function rowOf(found: Record<keyof Row, SQLInputValue>): Row {
  return dropNulls(found as Nullable<Row>);
}

/** SQLite says null where a row says nothing. The table's NOT NULL columns guarantee the rest. */
function dropNulls<Entry extends object>(found: Nullable<Entry>): Entry {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null)) as Entry;
}
