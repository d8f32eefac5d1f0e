// Shares of a pool under flood, and how long a large job waits among endless small ones.
import { AGING_MS } from "../../shared/domain/deadlines.ts";
import type { Violation } from "./checks/rules.ts";
import type { Flooder } from "./flood.ts";
import { createFlood } from "./flood.ts";
import type { Hold } from "./holds.ts";
import { cardTime } from "./holds.ts";
import { START } from "./scenery.ts";

export type FairDay = {
  readonly cards: number;
  readonly sizes: readonly number[];
  readonly seed: number;
  readonly jobs: number;
  /** Of the cards that were held at any time, all day. */
  readonly busy: number;
  /** Of the card time that was held, by tenant: those of weights 1, 1 and 2. */
  readonly shares: readonly number[];
  /** The largest |share / due - 1| of a tenant. */
  readonly deviation: number;
  /** Times that a lane ran dry: the shares mean something only if none did. */
  readonly dry: number;
  readonly violations: readonly Violation[];
};

type LargeWait = {
  /** From its creation at GitHub to its cards. */
  readonly waitedMs: number;
  /** AGING_MS and the longest of the workers that held cards when it had waited so long. */
  readonly limitMs: number;
};

export type LargeJobs = {
  readonly cards: number;
  readonly seed: number;
  readonly waits: readonly LargeWait[];
  /** Jobs that did not start before the end. */
  readonly starved: number;
  readonly violations: readonly Violation[];
};

type Options = { readonly cards: number; readonly seed: number };
type FairDayOptions = Options & { readonly sizes: readonly number[] };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Until the first jobs are there. */
const WARM_UP_MS = HOUR / 2;
const LARGE = 8;
/** One large job at a time. */
const LARGE_EVERY_MS = 3 * HOUR;

const DAY_TENANTS: readonly Flooder[] = [
  { id: 5_001, login: "one", weight: 1, sizes: [1] },
  { id: 5_002, login: "other", weight: 1, sizes: [1] },
  { id: 5_003, login: "double", weight: 2, sizes: [1] },
];
const ASKER: Flooder = { id: 5_004, login: "large", weight: 1, sizes: [] };

/** A simulated day of three tenants of weights 1:1:2 that always have jobs waiting, each of one of these sizes. */
export async function playFairDay({ cards, seed, sizes }: FairDayOptions): Promise<FairDay> {
  const tenants = DAY_TENANTS.map((tenant) => ({ ...tenant, sizes }));
  const flood = createFlood({ cards, seed, tenants });
  await flood.play(DAY);
  const times = cardTime(flood.holds.all(), START + WARM_UP_MS, START + DAY);
  const held = DAY_TENANTS.map(({ id }) => times.get(String(id)) ?? 0);
  const sum = held.reduce((total, one) => total + one, 0);
  const weights = DAY_TENANTS.reduce((total, { weight }) => total + weight, 0);
  const shares = held.map((one) => one / sum);
  const deviations = DAY_TENANTS.map(({ weight }, at) =>
    Math.abs(((shares[at] ?? 0) * weights) / weight - 1),
  );
  return {
    cards,
    sizes,
    seed,
    jobs: flood.world.outside.github.jobs.size,
    busy: sum / (cards * (DAY - WARM_UP_MS)),
    shares,
    deviation: Math.max(...deviations),
    dry: flood.dryCount(),
    violations: flood.world.watch.violations,
  };
}

/** A tenant that asks for 8 cards every three hours, among three that have 1-card jobs without end. */
export async function playLargeJobs({ cards, seed }: Options): Promise<LargeJobs> {
  const flood = createFlood({ cards, seed, tenants: [...DAY_TENANTS, ASKER] });
  const asked: number[] = [];
  for (let ms = LARGE_EVERY_MS; ms < DAY - LARGE_EVERY_MS; ms += LARGE_EVERY_MS) {
    asked.push(START + ms);
    flood.world.timeline.at(START + ms, () => flood.create(ASKER, LARGE));
  }
  await flood.play(DAY);
  const holds = flood.holds.all();
  const starts = holds.filter(({ cards: size }) => size === LARGE).sort((a, b) => a.from - b.from);
  return {
    cards,
    seed,
    waits: starts.map(({ from }, at) => waitOf(holds, asked[at] ?? from, from)),
    starved: asked.length - starts.length,
    violations: flood.world.watch.violations,
  };
}

function waitOf(holds: readonly Hold[], since: number, from: number): LargeWait {
  const aged = since + AGING_MS;
  const there = holds.filter((hold) => hold.from <= aged && hold.to > aged && hold.from < from);
  const longestMs = Math.max(0, ...there.map((hold) => hold.to - hold.from));
  return { waitedMs: from - since, limitMs: AGING_MS + longestMs };
}
