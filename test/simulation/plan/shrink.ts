// From a run that breaks to the smallest that still does: entries of its plan are left out as long as the same rule breaks.

import type { Rule } from "../checks/rules.ts";
import type { Outcome } from "../run.ts";
import type { Entry, Plan } from "./planned.ts";

export type Shrunk = {
  readonly plan: Plan;
  readonly outcome: Outcome;
  readonly rule: Rule;
  readonly runs: number;
};

/** A plan that breaks in fewer runs than this is small enough for a person to read. */
const MAX_RUNS = 400;

/** Undefined for a plan that breaks nothing. ddmin: halves first, then ever smaller parts. */
export async function shrink(plan: Plan, run: (plan: Plan) => Promise<Outcome>): Promise<Shrunk | undefined> {
  const rule = (await run(plan)).violations[0]?.rule;
  if (rule === undefined) return undefined;
  let entries = plan.entries;
  let parts = 2;
  let runs = 1;
  while (entries.length > 1 && runs < MAX_RUNS) {
    const smaller = await firstThatBreaks(without(entries, parts));
    if (smaller !== undefined) {
      entries = smaller;
      parts = Math.max(2, parts - 1);
    } else if (parts >= entries.length) break;
    else parts = Math.min(entries.length, parts * 2);
  }
  const smallest = { ...plan, entries };
  return { plan: smallest, outcome: await run(smallest), rule, runs };

  async function firstThatBreaks(
    candidates: readonly (readonly Entry[])[],
  ): Promise<readonly Entry[] | undefined> {
    for (const candidate of candidates) {
      if (runs++ >= MAX_RUNS) return undefined;
      const { violations } = await run({ ...plan, entries: candidate });
      if (violations.some((one) => one.rule === rule)) return candidate;
    }
    return undefined;
  }
}

/** The entries without each of `parts` parts of them; faults go before jobs, which say more. */
function without(entries: readonly Entry[], parts: number): Entry[][] {
  const size = Math.ceil(entries.length / parts);
  const starts = Array.from({ length: Math.ceil(entries.length / size) }, (_, part) => part * size);
  return starts.map((start) => [...entries.slice(0, start), ...entries.slice(start + size)]).reverse();
}
