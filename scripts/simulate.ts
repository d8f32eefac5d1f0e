// Plays simulated days with faults: `npm run simulate -- --runs 1000`, with fresh seeds. A run that breaks is shrunk and
// shown.
import { randomInt } from "node:crypto";
import type { Edition } from "../test/simulation/plan/editions.ts";
import { EDITIONS, NEWEST } from "../test/simulation/plan/editions.ts";
import type { FaultKind } from "../test/simulation/plan/fault-kinds.ts";
import { FAULT_KINDS } from "../test/simulation/plan/fault-kinds.ts";
import { drawPlan } from "../test/simulation/plan/plan.ts";
import type { Plan } from "../test/simulation/plan/planned.ts";
import { shrink } from "../test/simulation/plan/shrink.ts";
import { runPlan } from "../test/simulation/run.ts";
import type { Summary } from "../test/simulation/simulate.ts";
import { simulate } from "../test/simulation/simulate.ts";
import { stopWith } from "./complaint.ts";
import { parseOptions, wholeNumber } from "./parse-options.ts";
import { describeBroken, describePlan } from "./simulate/describe-run.ts";
import { measureFairness } from "./simulate/fairness.ts";

const USAGE = `npm run simulate -- [--runs N] [--seed S | --fixed] [--faults kind,kind] [--json] [--trace] [--stop] [--fairness]

  --runs N      runs, one for each seed from the first on (100)
  --seed S      the first seed; without it, fresh ones: the first is drawn, and printed before it is played
  --fixed       the seeds from 1 on, the same every time
  --edition E   the world of an edition before (${NEWEST}), for a seed that was found in it
  --faults K,K  only these kinds of fault: ${FAULT_KINDS.join(", ")}
  --json        a last line of JSON with the sums
  --trace       show the run of seed S line by line, and no other
  --fairness    instead: the shares of tenants that flood a pool for a day, and the waits of large jobs
  --stop        end with the first run that breaks

A run that breaks is printed with its seed, its world, its steps and the command that plays it again; the exit code is 1.
`;

/** A plan's seed has 32 bits; the last ones are left to the runs behind the first. */
const MAX_FRESH = 2 ** 31;
const FIXED = 1;
/** Shrinking takes a hundred runs or so: the first few that break are shown so, the others as they were drawn. */
const SHOWN = 2;
const LAST_LINES = 60;

const values = parseOptions({
  runs: { type: "string", default: "100" },
  seed: { type: "string" },
  fixed: { type: "boolean", default: false },
  edition: { type: "string", default: String(NEWEST) },
  faults: { type: "string" },
  json: { type: "boolean", default: false },
  trace: { type: "boolean", default: false },
  stop: { type: "boolean", default: false },
  fairness: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
});

await main();

async function main(): Promise<void> {
  if (values.help) return say(USAGE);
  if (values.fairness) return await showFairness();
  const runs = wholeNumber("runs", values.runs);
  const seed = firstSeed(runs);
  const options = { kinds: kindsOf(values.faults), edition: editionOf(values.edition) };
  if (values.trace) return await showRun(drawPlan(seed, options));
  let shown = 0;
  const summary = await simulate({
    runs,
    seed,
    ...options,
    async onBroken(plan, { violations }) {
      say(describeBroken(plan, violations, values.faults));
      if (shown++ < SHOWN) await showSmallest(plan);
      else say(describePlan(plan));
      return values.stop;
    },
  });
  conclude(summary);
}

/** Of fresh ones it is told at once: whatever happens then, they can be played again. */
function firstSeed(runs: number): number {
  if (values.seed !== undefined) return wholeNumber("seed", values.seed);
  if (values.fixed || values.trace) return FIXED;
  const seed = randomInt(FIXED, MAX_FRESH);
  say(`fresh seeds ${seed} to ${seed + runs - 1}: npm run simulate -- --seed ${seed} --runs ${runs}\n`);
  return seed;
}

function editionOf(text: string): Edition {
  const edition = EDITIONS.find((one) => String(one) === text);
  return edition ?? stopWith(`no edition ${text}. There are: ${EDITIONS.join(", ")}`);
}

async function showFairness(): Promise<void> {
  const seed = values.seed === undefined ? FIXED : wholeNumber("seed", values.seed);
  const report = await measureFairness(seed, say);
  if (values.json) say(`${JSON.stringify(report)}\n`);
  if (!report.isFair) process.exitCode = 1;
}

function kindsOf(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return FAULT_KINDS;
  const asked = text.split(",").filter((name) => name !== "");
  const unknown = asked.filter((name) => !FAULT_KINDS.some((kind) => kind === name));
  if (unknown.length > 0)
    stopWith(`no such fault: ${unknown.join(", ")}. There are: ${FAULT_KINDS.join(", ")}`);
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
  say(`the smallest plan that breaks so (${plan.entries.length} entries before):\n`);
  say(describePlan(shrunk.plan));
  say("  its steps:\n");
  const { lines } = await runPlan(shrunk.plan, { keepTrace: true });
  if (lines.length > LAST_LINES) say(`    … ${lines.length - LAST_LINES} lines before\n`);
  for (const line of lines.slice(-LAST_LINES)) say(`    ${line}\n`);
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
