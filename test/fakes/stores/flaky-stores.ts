// Stores that fail as real ones do, by a seed: faults before and after a write, lost races, stale listings.
import { StoreError, type Stores } from "../../../shared/ports/store.ts";

/** Each a chance in [0, 1] per call; 0 when left out. */
export type FaultRates = {
  /** Throws a retryable StoreError and does nothing. */
  readonly throwBefore?: number;
  /** Does it, then throws a retryable StoreError: the answer was lost. */
  readonly throwAfter?: number;
  /** Another writer rewrites the noun, unchanged but for its version, just before a replace. */
  readonly loseRace?: number;
  /** A listing answers what the same listing answered the time before. */
  readonly stale?: number;
};

export type FlakyStores = {
  readonly stores: Stores;
  /** From now on nothing fails. */
  calm(): void;
  /** How many faults there were so far. */
  count(): number;
};

type Versioned = { readonly version: number };
type NounStore<Id, Noun extends Versioned> = {
  get(id: Id): Promise<Noun | undefined>;
  create(noun: Noun): Promise<boolean>;
  replace(next: Noun): Promise<boolean>;
};

/** The same seed and the same order of calls give the same faults. */
export function createFlakyStores(
  stores: Stores,
  options: FaultRates & { readonly seed: number },
): FlakyStores {
  const chance = createChance(options);
  const flaky = createFlaky(chance);
  return {
    stores: {
      jobs: {
        ...flakyNouns(flaky, chance, stores.jobs, (job) => job.id),
        heads: flaky.listing((lane, limit) => stores.jobs.heads(lane, limit)),
        unpaired: flaky.listing((place, limit) => stores.jobs.unpaired(place, limit)),
      },
      workers: {
        ...flakyNouns(flaky, chance, stores.workers, (worker) => worker.id),
        heartbeat: flaky.write((...beat) => stores.workers.heartbeat(...beat)),
        live: flaky.listing((pool) => stores.workers.live(pool)),
        liveIds: flaky.listing((pool) => stores.workers.liveIds(pool)),
      },
      pools: flakyNouns(flaky, chance, stores.pools, (pool) => pool.name),
      lanes: {
        register: flaky.write((lane) => stores.lanes.register(lane)),
        list: flaky.listing((pool) => stores.lanes.list(pool)),
      },
      tenants: {
        ...flakyNouns(flaky, chance, stores.tenants, (tenant) => tenant.id),
        list: flaky.listing(() => stores.tenants.list()),
      },
      nearMisses: {
        count: flaky.write((miss) => stores.nearMisses.count(miss)),
        list: flaky.listing((tenant, limit) => stores.nearMisses.list(tenant, limit)),
      },
      due: { due: flaky.listing((now, limit) => stores.due.due(now, limit)) },
      marks: {
        get: flaky.read((kind, id) => stores.marks.get(kind, id)),
        put: flaky.write((kind, id, next) => stores.marks.put(kind, id, next)),
      },
      repositories: {
        saw: flaky.write((repository) => stores.repositories.saw(repository)),
        list: flaky.listing((limit) => stores.repositories.list(limit)),
      },
      deployment: { deploymentId: flaky.write((fallback) => stores.deployment.deploymentId(fallback)) },
    },
    calm: chance.calm,
    count: chance.count,
  };
}

type Chance = { hit(fault: keyof FaultRates): boolean; calm(): void; count(): number };

function createChance(options: FaultRates & { readonly seed: number }): Chance {
  const next = createPrng(options.seed);
  let on = true;
  let faults = 0;
  return {
    hit(fault) {
      const hit = on && next() < (options[fault] ?? 0);
      if (hit) faults++;
      return hit;
    },
    calm: () => {
      on = false;
    },
    count: () => faults,
  };
}

type Flaky = {
  read<Args extends unknown[], Answer>(
    act: (...args: Args) => Promise<Answer>,
  ): (...args: Args) => Promise<Answer>;
  write<Args extends unknown[], Answer>(
    act: (...args: Args) => Promise<Answer>,
  ): (...args: Args) => Promise<Answer>;
  listing<Args extends unknown[], Answer>(
    act: (...args: Args) => Promise<Answer>,
  ): (...args: Args) => Promise<Answer>;
};

function createFlaky(chance: Chance): Flaky {
  return {
    read:
      (act) =>
      async (...args) => {
        if (chance.hit("throwBefore")) throw fault("The store did not answer.");
        return act(...args);
      },
    write:
      (act) =>
      async (...args) => {
        if (chance.hit("throwBefore")) throw fault("The store was not reached.");
        const answer = await act(...args);
        if (chance.hit("throwAfter")) throw fault("The store's answer was lost.");
        return answer;
      },
    listing: (act) => staleListing(chance, act),
  };
}

function staleListing<Args extends unknown[], Answer>(
  chance: Chance,
  act: (...args: Args) => Promise<Answer>,
): (...args: Args) => Promise<Answer> {
  const before = new Map<string, Answer>();
  return async (...args) => {
    if (chance.hit("throwBefore")) throw fault("The listing did not answer.");
    const key = JSON.stringify(args);
    const older = before.get(key);
    const fresh = await act(...args);
    before.set(key, fresh);
    return older !== undefined && chance.hit("stale") ? older : fresh;
  };
}

function flakyNouns<Id, Noun extends Versioned>(
  flaky: Flaky,
  chance: Chance,
  nouns: NounStore<Id, Noun>,
  idOf: (noun: Noun) => Id,
): NounStore<Id, Noun> {
  return {
    get: flaky.read((id: Id) => nouns.get(id)),
    create: flaky.write((noun: Noun) => nouns.create(noun)),
    replace: flaky.write(async (next: Noun) => {
      if (chance.hit("loseRace")) await overtake(nouns, idOf(next));
      return nouns.replace(next);
    }),
  };
}

async function overtake<Id, Noun extends Versioned>(nouns: NounStore<Id, Noun>, id: Id): Promise<void> {
  const stored = await nouns.get(id);
  if (stored !== undefined) await nouns.replace({ ...stored, version: stored.version + 1 });
}

function fault(what: string): StoreError {
  return new StoreError(`${what} (injected)`, { retryable: true });
}

/** mulberry32: 32 bits of state are plenty for a test, and any seed will do. */
function createPrng(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
