// A run that broke, for people: its seed and rule, how to see it again, the world it plays in, its faults, and the last steps.

import type { Violation } from "../../test/simulation/checks/rules.ts";
import { clock } from "../../test/simulation/engine/trace.ts";
import type { Entry, Plan, PlannedFault } from "../../test/simulation/plan.ts";
import type { ScenePool } from "../../test/simulation/scenery.ts";
import { poolsOf, sceneWith } from "../../test/simulation/scenery.ts";

const MINUTE = 60_000;

/** What broke, and the command that plays it again; `faults` as they were asked for. */
export function describeBroken(
  { seed, edition }: Plan,
  violations: readonly Violation[],
  faults: string | undefined,
): string {
  const words = [`npm run simulate -- --seed ${seed} --edition ${edition}`];
  if (faults !== undefined) words.push(`--faults ${faults}`);
  const again = words.join(" ");
  const [first] = violations;
  return [
    `seed ${seed}: ${first?.rule}: ${first?.message}`,
    `  again:         ${again} --runs 1`,
    `  line by line:  ${again} --trace`,
    "",
  ].join("\n");
}

/** The world of a run and what is to happen in it, a line each. */
export function describePlan(plan: Plan): string {
  const { entries, ...world } = plan;
  const faults = entries.filter((entry): entry is PlannedFault => entry.type === "fault");
  const others = entries.filter((entry) => entry.type !== "fault");
  return [
    ...describeWorld(world),
    `  faults: ${faults.length === 0 ? "none" : ""}`,
    ...inOrder(faults).map(describeFault),
    `  jobs: ${others.length === 0 ? "none" : ""}`,
    ...inOrder(others).map((entry) => `    ${clock(entry.at)} ${JSON.stringify(entry)}`),
    "",
  ].join("\n");
}

function describeWorld(plan: Omit<Plan, "entries">): string[] {
  const { form, skews, announces, registration, hasHooks, storeMs, others } = plan;
  const scene = sceneWith(others ?? []);
  const form1 = form === "single" ? "one process" : "functions with a stream";
  const hooks = hasHooks ? "hooks tell what a runner was given" : "no hooks";
  return [
    `  form: ${form1}; clocks off by ${skews.join(", ")} ms; store: ${storeMs === 0 ? "answers at once" : `answers within ${storeMs} ms`}`,
    `  GitHub: tells of a job at its ${announces}; registration by ${registration}; ${hooks}`,
    `  pools: ${poolsOf(scene).map(describePool).join("; ")}`,
    `  tenants: ${scene.tenants.map(({ owner, weight, maxCards }) => `${owner} (weight ${weight}${maxCards === undefined ? "" : `, at most ${maxCards} cards`})`).join("; ")}`,
  ];
}

function describePool({ name, cards, nodes, maxWorkers }: ScenePool): string {
  if (nodes !== undefined) return `${name} (${nodes.length} nodes, ${cards} cards)`;
  return `${name} (${cards} cards${maxWorkers === undefined ? "" : `, at most ${maxWorkers} workers`})`;
}

function describeFault({ kind, at, ms, rate, seed }: PlannedFault): string {
  return `    ${clock(at)} ${kind}, for ${(ms / MINUTE).toFixed(1)} min, rate ${rate.toFixed(2)}, seed ${seed}`;
}

function inOrder<Item extends Entry>(entries: readonly Item[]): Item[] {
  return entries.toSorted((a, b) => a.at - b.at);
}
