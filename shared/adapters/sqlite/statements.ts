// The table, its indexes and every statement, whole and readable; a test reads their query plans.

/**
 * Partial indexes: a row without the attribute is not in the index. The lane index covers its query, the set index that
 * of its keys.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS rows (
    pk TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    write_id TEXT NOT NULL,
    schema INTEGER NOT NULL,
    data TEXT NOT NULL,
    lane_pk TEXT,
    lane_sk TEXT,
    cards INTEGER,
    due_at INTEGER,
    set_pk TEXT,
    set_sk TEXT,
    expires_at INTEGER,
    heartbeat_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS lane_index ON rows (lane_pk, lane_sk, pk, cards) WHERE lane_pk IS NOT NULL;
  CREATE INDEX IF NOT EXISTS due_index ON rows (due_at, pk) WHERE due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS set_index ON rows (set_pk, set_sk, pk) WHERE set_pk IS NOT NULL;
  CREATE INDEX IF NOT EXISTS expiry_index ON rows (expires_at) WHERE expires_at IS NOT NULL;
`;

const COLUMNS = `pk, kind, version, write_id, schema, data, lane_pk, lane_sk, cards, due_at, set_pk, set_sk, expires_at`;
const VALUES = `:pk, :kind, :version, :writeId, :schema, :data, :lanePk, :laneSk, :cards, :dueAt, :setPk, :setSk, :expiresAt`;

/** Everything of a row but its key, its version and its heartbeat. */
const SET_CONTENT = `
  kind = :kind, write_id = :writeId, schema = :schema, data = :data, lane_pk = :lanePk, lane_sk = :laneSk,
  cards = :cards, due_at = :dueAt, set_pk = :setPk, set_sk = :setSk, expires_at = :expiresAt`;

export const STATEMENTS = {
  get: `
    SELECT pk, kind, version, write_id AS writeId, schema, data, lane_pk AS lanePk, lane_sk AS laneSk, cards,
      due_at AS dueAt, set_pk AS setPk, set_sk AS setSk, expires_at AS expiresAt, heartbeat_at AS heartbeatAt
    FROM rows WHERE pk = :pk`,
  create: `
    INSERT INTO rows (${COLUMNS}) VALUES (${VALUES})
    ON CONFLICT (pk) DO UPDATE SET version = :version, heartbeat_at = NULL, ${SET_CONTENT}
    WHERE rows.expires_at * 1000 <= :absentAt`,
  replace: `UPDATE rows SET version = :version, ${SET_CONTENT} WHERE pk = :pk AND version = :expected`,
  touch: `
    UPDATE rows SET heartbeat_at = :heartbeatAt, due_at = :dueAt WHERE pk = :pk AND set_pk IS NOT NULL`,
  bump: `
    INSERT INTO rows (${COLUMNS}) VALUES (${VALUES})
    ON CONFLICT (pk) DO UPDATE SET version = rows.version + 1, ${SET_CONTENT} WHERE rows.write_id <> :writeId`,
  queryLane: `
    SELECT pk, lane_sk AS laneSk, cards FROM rows WHERE lane_pk = :lanePk ORDER BY lane_sk LIMIT :limit`,
  queryDue: `
    SELECT pk, due_at AS dueAt FROM rows WHERE due_at <= :until ORDER BY due_at LIMIT :limit`,
  querySet: `
    SELECT pk, schema, version, data, expires_at AS expiresAt FROM rows
    WHERE set_pk = :setPk ORDER BY set_sk LIMIT :limit`,
  querySetKeys: `
    SELECT pk, set_sk AS setSk FROM rows WHERE set_pk = :setPk ORDER BY set_sk LIMIT :limit`,
  purge: `
    DELETE FROM rows WHERE pk IN (SELECT pk FROM rows WHERE expires_at <= :nowSeconds LIMIT :limit)`,
} as const;
