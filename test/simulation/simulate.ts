// Many runs, one seed after the other, and what they add up to.

import { RULES } from "./checks/rules.ts";
import type { Edition } from "./plan/editions.ts";
import type { FaultKind } from "./plan/fault-kinds.ts";
import { FAULT_KINDS } from "./plan/fault-kinds.ts";
import { drawPlan } from "./plan/plan.ts";
import type { Plan } from "./plan/planned.ts";
import type { Outcome } from "./run.ts";
import { runPlan } from "./run.ts";

export type Summary = {
  /** Of the first run; the others follow it. */
  readonly seed: number;
  runs: number;
  jobs: number;
  faults: number;
  readonly faultsByKind: { [kind in FaultKind]?: number };
  /** Calls to GitHub by method. */
  readonly calls: { [method: string]: number };
  /** Broken rules in all; the four that follow are parts of them. */
  violations: number;
  lost: number;
  orphans: number;
  runningKilled: number;
  doubleRun: number;
};

export type SimulateOptions = {
  readonly runs: number;
  readonly seed: number;
  readonly kinds?: readonly FaultKind[];
  readonly edition?: Edition;
  /** For each run that breaks; true ends the simulation. */
  readonly onBroken?: (plan: Plan, outcome: Outcome) => Promise<boolean>;
};

export async function simulate(options: SimulateOptions): Promise<Summary> {
  const { runs, seed, kinds = FAULT_KINDS, edition, onBroken } = options;
  const summary = emptySummary(seed, kinds);
  for (let run = 0; run < runs; run++) {
    const plan = drawPlan(seed + run, { kinds, ...(edition && { edition }) });
    const outcome = await playOne(plan);
    add(summary, outcome);
    if (outcome.violations.length > 0 && (await onBroken?.(plan, outcome)) === true) break;
  }
  return summary;
}

async function playOne(plan: Plan): Promise<Outcome> {
  try {
    return await runPlan(plan);
  } catch (cause) {
    throw new Error(`seed ${plan.seed}: the simulator itself failed`, { cause });
  }
}

function emptySummary(seed: number, kinds: readonly FaultKind[]): Summary {
  const faultsByKind = Object.fromEntries(kinds.map((kind) => [kind, 0]));
  const parts = { violations: 0, lost: 0, orphans: 0, runningKilled: 0, doubleRun: 0 };
  return { seed, runs: 0, jobs: 0, faults: 0, faultsByKind, calls: {}, ...parts };
}

function add(summary: Summary, { jobs, struck, calls, violations }: Outcome): void {
  summary.runs++;
  summary.jobs += jobs;
  for (const [kind, count] of struck) {
    summary.faults += count;
    summary.faultsByKind[kind] = (summary.faultsByKind[kind] ?? 0) + count;
  }
  for (const [method, count] of Object.entries(calls))
    summary.calls[method] = (summary.calls[method] ?? 0) + count;
  for (const { rule } of violations) {
    summary.violations++;
    const part = RULES[rule];
    if (part !== undefined) summary[part]++;
  }
}
