// Plays simulated days with faults: `npm run simulate -- --runs 2000 --seed 1 --json`. A run that breaks is shrunk and shown.
import { parseArgs } from "node:util";
import type { FaultKind } from "../test/simulation/fault-kinds.ts";
import { FAULT_KINDS } from "../test/simulation/fault-kinds.ts";
import type { Plan } from "../test/simulation/plan.ts";
import { drawPlan } from "../test/simulation/plan.ts";
import { runPlan } from "../test/simulation/run.ts";
import { shrink } from "../test/simulation/shrink.ts";
import type { Summary } from "../test/simulation/simulate.ts";
import { simulate } from "../test/simulation/simulate.ts";
import { measureFairness } from "./simulate/fairness.ts";

const USAGE = `npm run simulate -- [--runs N] [--seed S] [--faults kind,kind] [--json] [--trace] [--stop] [--fairness]

  --runs N     runs, one for each seed from S on (100)
  --seed S     the first seed (1)
  --faults K,K only these kinds of fault: ${FAULT_KINDS.join(", ")}
  --json       a last line of JSON with the sums
  --trace      show the run of seed S line by line, and no other
  --fairness   instead: the shares of tenants that flood a pool for a day, and the waits of large jobs
  --stop       end with the first run that breaks
`;

/** Shrinking takes a hundred runs or so: the first few that break are shown whole, of the others the seed. */
const SHOWN = 2;
const LAST_LINES = 60;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    faults: { type: "string" },
    json: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    stop: { type: "boolean", default: false },
    fairness: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

await main();

async function main(): Promise<void> {
  if (values.help) return say(USAGE);
  if (values.fairness) return await showFairness();
  const seed = Number(values.seed);
  const kinds = kindsOf(values.faults);
  if (values.trace) {
    await showRun(drawPlan(seed, kinds));
    return;
  }
  let shown = 0;
  const summary = await simulate({
    runs: Number(values.runs),
    seed,
    kinds,
    async onBroken(plan, { violations }) {
      say(`seed ${plan.seed}: ${violations[0]?.rule}: ${violations[0]?.message}\n`);
      if (shown++ < SHOWN) await showSmallest(plan);
      return values.stop;
    },
  });
  conclude(summary);
}

async function showFairness(): Promise<void> {
  const report = await measureFairness(Number(values.seed), say);
  if (values.json) say(`${JSON.stringify(report)}\n`);
  if (!report.isFair) process.exitCode = 1;
}

function kindsOf(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return FAULT_KINDS;
  const asked = text.split(",").filter((name) => name !== "");
  const unknown = asked.filter((name) => !FAULT_KINDS.some((kind) => kind === name));
  if (unknown.length > 0)
    throw new TypeError(`no such fault: ${unknown.join(", ")}. There are: ${FAULT_KINDS.join(", ")}`);
  return FAULT_KINDS.filter((kind) => asked.includes(kind));
}

async function showRun(plan: Plan): Promise<void> {
  const { lines, violations } = await runPlan(plan, { keepTrace: true });
  say(`${lines.join("\n")}\n`);
  if (violations.length > 0) process.exitCode = 1;
}

async function showSmallest(plan: Plan): Promise<void> {
  const shrunk = await shrink(plan, (smaller) => runPlan(smaller));
  if (shrunk === undefined) return;
  const { entries, ...base } = shrunk.plan;
  say(`the smallest plan that breaks so (${plan.entries.length} entries before):\n`);
  say(`  ${JSON.stringify(base)}\n`);
  for (const entry of entries) say(`  ${JSON.stringify(entry)}\n`);
  const { lines } = await runPlan(shrunk.plan, { keepTrace: true });
  if (lines.length > LAST_LINES) say(`  … ${lines.length - LAST_LINES} lines before\n`);
  for (const line of lines.slice(-LAST_LINES)) say(`  ${line}\n`);
}

function conclude(summary: Summary): void {
  const { calls, ...sums } = summary;
  const perJob = Object.values(calls).reduce((sum, count) => sum + count, 0) / Math.max(1, summary.jobs);
  say(
    `${summary.runs} runs, ${summary.jobs} jobs, ${summary.faults} faults, ${perJob.toFixed(2)} GitHub calls per job\n`,
  );
  const unseen = Object.entries(summary.faultsByKind).filter(([, count]) => count === 0);
  if (unseen.length > 0) say(`faults that never struck: ${unseen.map(([kind]) => kind).join(", ")}\n`);
  if (values.json) say(`${JSON.stringify(sums)}\n`);
  if (summary.violations > 0) process.exitCode = 1;
}

function say(text: string): void {
  process.stdout.write(text);
}
