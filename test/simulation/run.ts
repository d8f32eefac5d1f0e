// Plays one plan to its end and says what broke.
import { checkEnd, isQuiet } from "./end-checks.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { PASS_MS, reconcileIfDue } from "./passes.ts";
import type { Plan, PlannedJob } from "./plan.ts";
import { STORM_MS } from "./plan.ts";
import { CALM_MS, labelsFor, REPOSITORIES, START } from "./scenery.ts";
import { workflowJob } from "./victims.ts";
import type { Violation } from "./watch.ts";
import type { World } from "./world.ts";
import { createSimWorld } from "./world.ts";

export type Outcome = {
  readonly violations: readonly Violation[];
  readonly jobs: number;
  readonly struck: ReadonlyMap<FaultKind, number>;
  /** Calls to GitHub by method. */
  readonly calls: { readonly [method: string]: number };
  /** The same for the same plan and program. */
  readonly hash: number;
  readonly endedAt: number;
  readonly lines: readonly string[];
};

const MINUTE = 60_000;

export async function runPlan(plan: Plan, { keepTrace = false } = {}): Promise<Outcome> {
  const world = createSimWorld(plan, { keepTrace });
  const { timeline, trace, watch, weather, outside } = world;
  for (const entry of plan.entries) {
    if (entry.type === "job") timeline.at(START + entry.at, () => createJob(world, entry));
  }
  timeline.after(MINUTE, () => tick(world));
  await timeline.play(START + STORM_MS + CALM_MS);
  if (watch.violations.length === 0) checkEnd(world);
  return {
    violations: watch.violations,
    jobs: outside.github.jobs.size,
    struck: weather.struck,
    calls: outside.calls.counts,
    hash: trace.hash,
    endedAt: timeline.now() - START,
    lines: trace.lines,
  };
}

function tick(world: World): void {
  const { timeline, watch, plan } = world;
  watch.tick();
  if (timeline.now() > START + STORM_MS && isQuiet(world)) {
    timeline.halt();
    return;
  }
  reconcileIfDue(world);
  timeline.after(PASS_MS[plan.form], () => tick(world));
}

function createJob({ weather, timeline, outside }: World, planned: PlannedJob): void {
  const { github } = outside;
  const id = github.nextId();
  const number = Number(planned.name.slice(planned.name.indexOf("-") + 1));
  const runId = 7_000 + Math.floor(number / 3);
  const repository = REPOSITORIES[planned.repository] ?? REPOSITORIES[0];
  if (repository === undefined) throw new RangeError("the scenery has no repositories");
  const isGated = weather.strikes("gate", planned.name);
  const job = github.create({
    base: {
      ...workflowJob({ id, runId, name: planned.name, createdAt: timeline.now() }),
      repository,
      labels: labelsFor(planned.cards),
    },
    status: isGated ? "waiting" : "queued",
    runMs: planned.runMs,
    fails: planned.fails,
    isOurs: true,
  });
  if (!isGated) return;
  const { drawOf } = weather;
  const draw = drawOf("gate");
  timeline.after(draw.between(MINUTE, 60 * MINUTE), () =>
    draw.chance(0.1) ? github.close(job, "failure") : github.approve(job),
  );
}
