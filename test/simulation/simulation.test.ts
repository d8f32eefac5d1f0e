// The simulator itself: it repeats itself, draws every fault, finds the smallest plan; and some dozen runs of it.
import { describe, expect, test } from "vitest";
import type { Rule } from "./checks/rules.ts";
import { FAULT_KINDS } from "./plan/fault-kinds.ts";
import { drawPlan } from "./plan/plan.ts";
import type { Entry, Plan } from "./plan/planned.ts";
import { STORM_MS } from "./plan/planned.ts";
import { shrink } from "./plan/shrink.ts";
import type { Outcome } from "./run.ts";
import { runPlan } from "./run.ts";
import { simulate } from "./simulate.ts";

const BROKEN_NOTHING = { violations: 0, lost: 0, orphans: 0, runningKilled: 0, doubleRun: 0 };

test("forty runs with faults break nothing", async () => {
  const broken: string[] = [];
  const summary = await simulate({
    runs: 40,
    seed: 1,
    async onBroken({ seed }, { violations }) {
      broken.push(...violations.map(({ rule, message }) => `seed ${seed}: ${rule}: ${message}`));
      return false;
    },
  });
  expect(broken).toEqual([]);
  expect(summary).toMatchObject({ runs: 40, ...BROKEN_NOTHING });
  expect(summary.jobs).toBeGreaterThan(40 * 20);
  expect(summary.faults).toBeGreaterThan(400);
}, 120_000);

/** A job that nobody crosses costs one; of equal jobs at once some are given to each other's runners, and asked about. */
test("without faults a job costs GitHub one call or so", async () => {
  const { calls, jobs } = await simulate({ runs: 10, seed: 500, kinds: [] });
  const { registrationToken = 0, jitConfig = 0, workflowJob = 0, findRunner = 0, deleteRunner = 0 } = calls;
  expect(registrationToken + jitConfig).toBeLessThanOrEqual(jobs);
  expect((registrationToken + jitConfig + workflowJob + findRunner + deleteRunner) / jobs).toBeLessThan(1.2);
}, 10_000);

describe("a plan", () => {
  const plans = Array.from({ length: 300 }, (_, seed) => drawPlan(seed, { edition: 3 }));

  test("has 20 jobs or more, in six hours, and three kinds of fault or more", () => {
    for (const { entries } of plans) {
      const kinds = new Set(entries.flatMap((entry) => (entry.type === "fault" ? [entry.kind] : [])));
      expect(entries.filter(({ type }) => type !== "fault").length).toBeGreaterThanOrEqual(20);
      expect(kinds.size).toBeGreaterThanOrEqual(3);
      expect(Math.max(...entries.map(({ at }) => at))).toBeLessThan(STORM_MS);
    }
  });

  test("of some seed has each kind of fault", () => {
    const drawn = new Set(plans.flatMap(kindsOf));
    expect([...drawn].sort(byName)).toEqual([...FAULT_KINDS].sort(byName));
  });

  test("of some seed has hundreds of jobs at once, and of some has calls at the same instant", () => {
    expect(plans.some(({ entries }) => entries.some(({ type }) => type === "crowd"))).toBe(true);
    expect(plans.some(({ entries, inChorus }) => inChorus === true && hasWave(entries))).toBe(true);
  });

  test("of the first edition is what it was: later ones only add to it", () => {
    for (const [seed, { entries, pace, inChorus, edition, ...later }] of plans.entries()) {
      const first = drawPlan(seed, { edition: 1 });
      expect(entries.slice(0, first.entries.length)).toEqual(first.entries);
      expect(first.others).toEqual(later.others?.filter((pool) => pool !== "wide"));
      expect({ ...later, others: undefined }).toEqual({
        ...first,
        others: undefined,
        entries: undefined,
        edition: undefined,
      });
    }
  });

  test("has only the kinds that are asked for", () => {
    const kinds = new Set(kindsOf(drawPlan(1, { kinds: ["crash", "cancel", "gate"] })));
    expect([...kinds].sort(byName)).toEqual(["cancel", "crash", "gate"]);
  });
});

describe("a run", () => {
  test("is the same for the same seed, whether its trace is kept or not", async () => {
    const first = await runPlan(drawPlan(7), { keepTrace: true });
    const second = await runPlan(drawPlan(7));
    expect(second.hash).toBe(first.hash);
    expect(second.struck).toEqual(first.struck);
    expect(first.lines.length).toBeGreaterThan(500);
  });

  test("is another for another seed", async () => {
    const [first, second] = [await runPlan(drawPlan(7)), await runPlan(drawPlan(8))];
    expect(second.hash).not.toBe(first.hash);
  });

  test("goes on for the storm and until all is quiet", async () => {
    const { endedAt } = await runPlan(drawPlan(9));
    expect(endedAt).toBeGreaterThan(STORM_MS);
  });
});

describe("a run that breaks", () => {
  test("is shrunk to the entries that break it", async () => {
    const plan = drawPlan(3);
    const [first, last] = [plan.entries[2], plan.entries.at(-1)];
    const needs = (smaller: Plan): boolean =>
      [first, last].every((one) => smaller.entries.includes(one as Entry));
    const shrunk = await shrink(plan, async (smaller) => outcomeOf(needs(smaller) ? ["job-lost"] : []));
    expect(shrunk?.plan.entries).toEqual([first, last]);
    expect(shrunk?.rule).toBe("job-lost");
  });

  test("is not shrunk to one that breaks another rule", async () => {
    const plan = drawPlan(3);
    const shrunk = await shrink(plan, async ({ entries }) =>
      outcomeOf(entries.length === plan.entries.length ? ["job-lost"] : ["orphan-cards"]),
    );
    expect(shrunk?.plan.entries).toHaveLength(plan.entries.length);
  });

  test("is not made of one that breaks nothing", async () => {
    expect(await shrink(drawPlan(3), async () => outcomeOf([]))).toBeUndefined();
  });
});

function hasWave(entries: readonly Entry[]): boolean {
  const asks = entries.filter(({ type }) => type === "ask").map(({ at }) => at);
  return new Set(asks).size < asks.length;
}

function kindsOf({ entries }: Plan): string[] {
  return entries.flatMap((entry) => (entry.type === "fault" ? [entry.kind] : []));
}

function outcomeOf(rules: readonly Rule[]): Outcome {
  const violations = rules.map((rule) => ({ rule, message: "as planned" }));
  return {
    violations,
    jobs: 0,
    struck: new Map(),
    calls: {},
    writes: new Map(),
    hash: 0,
    endedAt: 0,
    lines: [],
  };
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}
