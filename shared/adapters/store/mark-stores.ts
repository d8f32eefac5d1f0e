// What background work remembers, as rows: marks by kind and id, and the repositories that have had jobs.
import { REPOSITORY_SEEN_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { SeenRepository } from "../../domain/job/repository.ts";
import type { Marked, MarkKind, Marks } from "../../domain/upkeep/marks.ts";
import type { MarkStore, RepositoryStore } from "../../ports/store.ts";
import type { GuardedRows } from "./guarded-rows.ts";
import { markKey, REPOSITORY_SET, repositoryKey } from "./keys.ts";
import { nounOf, rowOfMark, rowOfRepository } from "./row-codec.ts";
import { isExpired, type Rows } from "./rows.ts";

export function createMarkStore(guarded: GuardedRows): MarkStore {
  return {
    async get<Kind extends MarkKind>(kind: Kind, id: string): Promise<Marked<Kind> | undefined> {
      const row = await guarded.get(markKey(kind, id));
      if (row === undefined) return undefined;
      const expiresAt = row.expiresAt === undefined ? undefined : row.expiresAt * 1_000;
      return { version: row.version, value: nounOf<Marks[Kind]>(row), expiresAt };
    },
    async put(kind, id, next) {
      const row = rowOfMark(kind, id, next);
      return next.version === 1 ? guarded.create(row) : guarded.replace(row);
    },
  };
}

export function createRepositoryStore(rows: Rows, guarded: GuardedRows, now: () => EpochMs): RepositoryStore {
  return {
    async saw(repository) {
      const stored = await guarded.get(repositoryKey(repository.id));
      if (stored === undefined) await guarded.create(rowOfRepository(repository, 1));
      else if (isNews(repository, nounOf<SeenRepository>(stored))) {
        // A lost race is no loss: whoever won saw the same repository.
        await guarded.replace(rowOfRepository(repository, stored.version + 1));
      }
    },
    async list(limit) {
      const entries = await rows.querySet(REPOSITORY_SET, limit);
      return entries.filter((entry) => !isExpired(entry, now())).map(nounOf<SeenRepository>);
    },
  };
}

/** A day later, or renamed, transferred or installed anew. */
function isNews(seen: SeenRepository, stored: SeenRepository): boolean {
  return (
    seen.lastJobAt - stored.lastJobAt >= REPOSITORY_SEEN_MS ||
    seen.name !== stored.name ||
    seen.owner.id !== stored.owner.id ||
    seen.owner.login !== stored.owner.login ||
    seen.installationId !== stored.installationId
  );
}
