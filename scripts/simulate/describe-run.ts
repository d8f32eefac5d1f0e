// A run that broke, for people: its seed and rule, how to see it again, the world it plays in, its faults, and the last
// steps.

import type { Violation } from "../../test/simulation/checks/rules.ts";
import { stepOf } from "../../test/simulation/engine/clocks.ts";
import { clock } from "../../test/simulation/engine/trace.ts";
import type { Entry, Plan, PlannedFault } from "../../test/simulation/plan/planned.ts";
import type { Scene, ScenePool } from "../../test/simulation/scenery.ts";
import { poolsOf, sceneWith } from "../../test/simulation/scenery.ts";

const MINUTE = 60_000;
const ORDER = ["even", "odd"];

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
    ...inOrder(faults).map((fault) => describeFault(fault, plan.form)),
    `  jobs: ${others.length === 0 ? "none" : ""}`,
    ...inOrder(others).map((entry) => `    ${clock(entry.at)} ${JSON.stringify(entry)}`),
    "",
  ].join("\n");
}

function describeWorld(plan: Omit<Plan, "entries">): string[] {
  const { form, skews, announces, registration, hasHooks, others, inChorus } = plan;
  const scene = sceneWith(others ?? []);
  const clocks = `clocks off by ${skews.join(", ")} ms`;
  const hooks = hasHooks ? "hooks tell what a runner was given" : "no hooks";
  const programs = inChorus === true ? "; programs ask at the same instants" : "";
  return [
    `  form: ${form === "single" ? "one process" : "functions with a stream"}; ${clocks}; ${describeStore(plan)}${programs}`,
    `  GitHub: tells of a job at its ${announces}; registration by ${registration}; ${hooks}`,
    `  pools: ${poolsOf(scene).map(describePool).join("; ")}`,
    `  tenants: ${scene.tenants.map(describeTenant).join("; ")}`,
  ];
}

function describeStore({ pace, storeMs }: Pick<Plan, "pace" | "storeMs">): string {
  if (pace !== undefined) return `each answer of the store takes ${pace.ms.join(" to ")} ms`;
  return storeMs === 0 ? "the store answers at once" : `the store answers within ${storeMs} ms`;
}

function describeTenant({ owner, weight, maxCards }: Scene["tenants"][number]): string {
  return `${owner} (weight ${weight}${maxCards === undefined ? "" : `, at most ${maxCards} cards`})`;
}

function describePool({ name, cards, nodes, maxWorkers }: ScenePool): string {
  if (nodes !== undefined) return `${name} (${nodes.length} nodes, ${cards} cards)`;
  return `${name} (${cards} cards${maxWorkers === undefined ? "" : `, at most ${maxWorkers} workers`})`;
}

function describeFault(fault: PlannedFault, form: Plan["form"]): string {
  const { kind, at, ms, rate, seed } = fault;
  if (kind === "clock-step") {
    const { offMs, process, parity } = stepOf(fault, form);
    const whose =
      form === "single" ? "the clock" : `the clock of each ${ORDER[parity]} sandbox of ${process}`;
    return `    ${clock(at)} ${kind}: ${whose} is off by ${(offMs / MINUTE).toFixed(1)} min for ${(ms / MINUTE).toFixed(1)} min`;
  }
  return `    ${clock(at)} ${kind}, for ${(ms / MINUTE).toFixed(1)} min, rate ${rate.toFixed(2)}, seed ${seed}`;
}

function inOrder<Item extends Entry>(entries: readonly Item[]): Item[] {
  return entries.toSorted((a, b) => a.at - b.at);
}
