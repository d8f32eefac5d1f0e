// Plays one plan to its end and says what broke.
import { checkEnd, isQuiet, waitsForDay } from "./checks/end-checks.ts";
import { checkAsks } from "./checks/end-checks-api.ts";
import { createOverlooked } from "./checks/overlooked.ts";
import { createPatience } from "./checks/patience.ts";
import type { Violation } from "./checks/rules.ts";
import { checkWrites } from "./checks/write-counts.ts";
import { createDraw } from "./engine/draw.ts";
import { digestAtOnce } from "./engine/sync-digest.ts";
import { workflowJob } from "./outside/workflow-job.ts";
import { PASS_MS, reconcileIfDue } from "./passes.ts";
import type { FaultKind } from "./plan/fault-kinds.ts";
import type { Plan, PlannedCrowd, PlannedJob } from "./plan/planned.ts";
import { STORM_MS } from "./plan/planned.ts";
import { CALM_MS, DAY_MS, labelsFor, poolsOf, REPOSITORIES, START, WIDE } from "./scenery.ts";
import type { World } from "./world.ts";
import { createSimWorld } from "./world.ts";

export type Outcome = {
  readonly violations: readonly Violation[];
  readonly jobs: number;
  readonly struck: ReadonlyMap<FaultKind, number>;
  /** Calls to GitHub by method. */
  readonly calls: { readonly [method: string]: number };
  /** Calls of the store that would write, by their names. */
  readonly writes: ReadonlyMap<string, number>;
  /** The same for the same plan and program. */
  readonly hash: number;
  readonly endedAt: number;
  readonly lines: readonly string[];
};

const MINUTE = 60_000;
const WRITES_MS = 10 * MINUTE;
/** A matrix of hundreds is queued within this time. */
const CROWD_MS = 3_000;
const CROWD_RUN = 6_999;

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
  const { timeline, trace, watch, weather, outside, clients, dispatcher } = world;
  for (const entry of plan.entries) {
    if (entry.type === "job") timeline.at(START + entry.at, () => createJob(world, entry));
    else if (entry.type === "crowd") createCrowd(world, entry);
    else if (entry.type === "ask") timeline.at(START + entry.at, () => clients.begin(entry));
  }
  const lookAtWaits = createPatience(world);
  const lookAtDue = createOverlooked(world);
  const looks = () => {
    lookAtWaits();
    lookAtDue();
  };
  timeline.after(MINUTE, () => tick(world, looks));
  await timeline.play(START + STORM_MS + CALM_MS);
  if (watch.violations.length === 0 && !isQuiet(world) && waitsForDay(world)) {
    await timeline.play(START + STORM_MS + DAY_MS);
  }
  if (watch.violations.length === 0) {
    checkWrites(world);
    checkEnd(world);
    checkAsks(world);
  }
  return {
    violations: watch.violations,
    jobs: outside.github.jobs.size + clients.all.filter(({ step }) => step === undefined).length,
    struck: weather.struck,
    calls: outside.calls.counts,
    writes: dispatcher.writes,
    hash: trace.hash,
    endedAt: timeline.now() - START,
    lines: trace.lines,
  };
}

function tick(world: World, looks: () => void): void {
  const { timeline, watch, plan } = world;
  watch.tick();
  if ((timeline.now() - START) % WRITES_MS === 0) checkWrites(world);
  if ((timeline.now() - START) % MINUTE === 0) looks();
  if (timeline.now() > START + STORM_MS && isQuiet(world)) {
    timeline.halt();
    return;
  }
  reconcileIfDue(world);
  timeline.after(PASS_MS[plan.form], () => tick(world, looks));
}

function createCrowd(world: World, { at, count, repository, seed }: PlannedCrowd): void {
  const { timeline, outside } = world;
  const { github } = outside;
  const draw = createDraw(seed);
  const place = REPOSITORIES[repository];
  if (place === undefined) throw new RangeError("the scenery has no repositories");
  for (let one = 0; one < count; one++) {
    timeline.at(START + at + draw.between(0, CROWD_MS), () => {
      const about = {
        id: github.nextId(),
        runId: CROWD_RUN,
        name: `crowd-${one}`,
        createdAt: timeline.now(),
      };
      github.create({
        base: { ...workflowJob(about), repository: place, labels: labelsFor(1, WIDE) },
        status: "queued",
        runMs: draw.between(MINUTE / 3, 5 * MINUTE),
        fails: false,
        isOurs: true,
      });
    });
  }
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
