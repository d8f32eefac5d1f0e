// Plays one plan to its end and says what broke.
import { checkEnd, isQuiet } from "./checks/end-checks.ts";
import { checkAsks } from "./checks/end-checks-api.ts";
import { createPatience } from "./checks/patience.ts";
import type { Violation } from "./checks/rules.ts";
import { digestAtOnce } from "./engine/sync-digest.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { workflowJob } from "./outside/workflow-job.ts";
import { PASS_MS, reconcileIfDue } from "./passes.ts";
import type { Plan, PlannedJob } from "./plan.ts";
import { STORM_MS } from "./plan.ts";
import { CALM_MS, labelsFor, poolsOf, REPOSITORIES, START } from "./scenery.ts";
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
  const restore = digestAtOnce();
  try {
    return await play(plan, keepTrace);
  } finally {
    restore();
  }
}

async function play(plan: Plan, keepTrace: boolean): Promise<Outcome> {
  const world = createSimWorld(plan, { keepTrace });
  const { timeline, trace, watch, weather, outside, clients } = world;
  for (const entry of plan.entries) {
    if (entry.type === "job") timeline.at(START + entry.at, () => createJob(world, entry));
    else if (entry.type === "ask") timeline.at(START + entry.at, () => clients.begin(entry));
  }
  const lookAtWaits = createPatience(world);
  timeline.after(MINUTE, () => tick(world, lookAtWaits));
  await timeline.play(START + STORM_MS + CALM_MS);
  if (watch.violations.length === 0) {
    checkEnd(world);
    checkAsks(world);
  }
  return {
    violations: watch.violations,
    jobs: outside.github.jobs.size + clients.all.filter(({ step }) => step === undefined).length,
    struck: weather.struck,
    calls: outside.calls.counts,
    hash: trace.hash,
    endedAt: timeline.now() - START,
    lines: trace.lines,
  };
}

function tick(world: World, lookAtWaits: () => void): void {
  const { timeline, watch, plan } = world;
  watch.tick();
  if ((timeline.now() - START) % MINUTE === 0) lookAtWaits();
  if (timeline.now() > START + STORM_MS && isQuiet(world)) {
    timeline.halt();
    return;
  }
  reconcileIfDue(world);
  timeline.after(PASS_MS[plan.form], () => tick(world, lookAtWaits));
}

function createJob({ weather, timeline, outside, scene }: World, planned: PlannedJob): void {
  const { github } = outside;
  const id = github.nextId();
  const number = Number(planned.name.slice(planned.name.indexOf("-") + 1));
  const runId = 7_000 + Math.floor(number / 3);
  const repository = REPOSITORIES[planned.repository] ?? REPOSITORIES[0];
  if (repository === undefined) throw new RangeError("the scenery has no repositories");
  const pools = poolsOf(scene);
  const isGated = weather.strikes("gate", planned.name);
  const job = github.create({
    base: {
      ...workflowJob({ id, runId, name: planned.name, createdAt: timeline.now() }),
      repository,
      labels: labelsFor(planned.cards, pools[planned.pool % pools.length]?.name),
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
