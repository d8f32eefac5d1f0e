// The store's contract, part four: what background work remembers.
import { expect, test } from "vitest";
import { REPOSITORY_SEEN_MS } from "../../shared/domain/deadlines.ts";
import type { SeenRepository } from "../../shared/domain/job/repository.ts";
import type { StoreBench } from "./store-bench.ts";
import { START } from "./store-nouns.ts";

const DAY_MS = 86_400_000;

function aRepository(id: number, overrides: Partial<SeenRepository> = {}): SeenRepository {
  const owner = { id: 7, login: "octo-org", type: "Organization" } as const;
  return { id, owner, name: `repo-${id}`, installationId: 99, lastJobAt: START, ...overrides };
}

export function markCases(bench: () => StoreBench): void {
  test("a mark is created once and replaced version by version, each kind and id for itself", async () => {
    const { marks } = bench().stores;
    const first = { version: 1, value: { seen: { a: START } } };
    expect(await marks.get("sightings", "pool-a")).toBeUndefined();
    expect(await marks.put("sightings", "pool-a", first)).toBe(true);
    expect(await marks.put("sightings", "pool-a", first)).toBe(false);
    expect(await marks.put("sightings", "pool-b", first)).toBe(true);
    const second = { version: 2, value: { seen: {} } };
    expect(await marks.put("sightings", "pool-a", second)).toBe(true);
    expect(await marks.put("sightings", "pool-a", second)).toBe(false);
    expect(await marks.get("sightings", "pool-a")).toMatchObject(second);
    expect(await marks.get("sightings", "pool-b")).toMatchObject(first);
    expect(await marks.get("cursor", "pool-a")).toBeUndefined();
  });

  test("a mark is not read after its end, and may be created anew then", async () => {
    const { stores, clock } = bench();
    const value = { sealed: "sealed", expiresAt: START + DAY_MS };
    await stores.marks.put("token", "org", { version: 1, value, expiresAt: START + DAY_MS });
    expect(await stores.marks.get("token", "org")).toMatchObject({ version: 1, value });
    clock.advance(DAY_MS + 1_000);
    expect(await stores.marks.get("token", "org")).toBeUndefined();
    const again = { version: 1, value, expiresAt: START + 3 * DAY_MS };
    expect(await stores.marks.put("token", "org", again)).toBe(true);
  });

  test("repositories are listed by their last job, and forgotten 30 days after it", async () => {
    const { stores, clock } = bench();
    await stores.repositories.saw(aRepository(1));
    await stores.repositories.saw(aRepository(2, { lastJobAt: START + 5 }));
    // Not worth a write.
    await stores.repositories.saw(aRepository(1, { lastJobAt: START + REPOSITORY_SEEN_MS - 1 }));
    const listed = async () =>
      (await stores.repositories.list(10)).map(({ name, lastJobAt }) => [name, lastJobAt]);
    expect(await listed()).toEqual([
      ["repo-2", START + 5],
      ["repo-1", START],
    ]);
    expect(await stores.repositories.list(1)).toHaveLength(1);
    const later = START + REPOSITORY_SEEN_MS;
    await stores.repositories.saw(aRepository(1, { lastJobAt: later, name: "renamed" }));
    expect(await listed()).toEqual([
      ["renamed", later],
      ["repo-2", START + 5],
    ]);
    clock.advance(31 * DAY_MS - 2_000);
    expect(await listed()).toEqual([["renamed", later]]);
  });
}
