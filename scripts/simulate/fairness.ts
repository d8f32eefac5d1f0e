// `npm run simulate -- --fairness`: the shares of a flooded pool, and the waits of large jobs among endless small ones.
import type { FairDay, LargeJobs } from "../../test/simulation/fairness.ts";
import { playFairDay, playLargeJobs } from "../../test/simulation/fairness.ts";

/** Shares are within this part of what is due by weight. */
const TOLERANCE = 0.02;
const POOLS = [8, 10];
const MIXED = [1, 1, 2];

export type FairnessReport = {
  readonly days: readonly FairDay[];
  readonly large: readonly LargeJobs[];
  /** The largest of all days. */
  readonly deviation: number;
  readonly isFair: boolean;
};

export async function measureFairness(seed: number, say: (text: string) => void): Promise<FairnessReport> {
  const days: FairDay[] = [];
  const large: LargeJobs[] = [];
  for (const cards of POOLS) {
    for (const sizes of [[1], MIXED]) {
      const day = await playFairDay({ cards, seed, sizes });
      days.push(day);
      say(describeDay(day));
    }
    const some = await playLargeJobs({ cards, seed });
    large.push(some);
    say(describeLarge(some));
  }
  const deviation = Math.max(...days.map((day) => day.deviation));
  const isFair = deviation <= TOLERANCE && days.every(isSound) && large.every(isInTime);
  return { days, large, deviation, isFair };
}

function isSound({ dry, violations }: FairDay): boolean {
  return dry === 0 && violations.length === 0;
}

function isInTime({ waits, starved, violations }: LargeJobs): boolean {
  return (
    starved === 0 && violations.length === 0 && waits.every(({ waitedMs, limitMs }) => waitedMs <= limitMs)
  );
}

function describeDay({ cards, sizes, jobs, busy, shares, deviation, dry, violations }: FairDay): string {
  const parts = shares.map((share) => `${(100 * share).toFixed(1)} %`).join(", ");
  const doubts = `${dry} dry lanes, ${violations.length} violations`;
  return `${cards} cards, jobs of ${[...new Set(sizes)].join(" and ")}: shares ${parts} of weights 1:1:2, off by ${(100 * deviation).toFixed(1)} % at most; ${jobs} jobs, ${(100 * busy).toFixed(0)} % busy, ${doubts}\n`;
}

function describeLarge({ cards, waits, starved, violations }: LargeJobs): string {
  const part = Math.max(0, ...waits.map(({ waitedMs, limitMs }) => waitedMs / limitMs));
  const longest = Math.max(0, ...waits.map(({ waitedMs }) => waitedMs));
  return `${cards} cards, 8-card jobs among 1-card ones: ${waits.length} started, ${starved} starved; the longest wait ${(longest / 60_000).toFixed(0)} min, at most ${(100 * part).toFixed(0)} % of the aging time and the longest job; ${violations.length} violations\n`;
}
