// What later editions add to a plan of the first, each from a random stream of its own: nothing of the first moves.
import { createDraw, type Draw, derived } from "../engine/draw.ts";
import { drawFault } from "./fault.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { FAULT_KINDS, NEWER_KINDS, NEWER_SHAPES } from "./fault-kinds.ts";
import type { Pace, Plan, PlannedAsk, PlannedCrowd, PlannedFault } from "./planned.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Of the runs: a crowd costs as much as ten others. */
const CROWDS = 0.015;
const RUSHES = 0.15;
const LAST_MS = 5 * HOUR;
/** Names of the first edition's jobs end below. */
const FIRST_NAME = 100;

export function drawNewer(plan: Plan, kinds: readonly FaultKind[]): Plan {
  const { seed } = plan;
  const draw = createDraw(derived(seed, "kind of run"));
  const drawn = draw.fraction();
  const isCrowd = drawn < CROWDS;
  const isRush = !isCrowd && drawn < CROWDS + RUSHES;
  const faults = drawFaults(plan, kinds);
  const common = { ...plan, entries: [...plan.entries, ...faults] };
  if (isCrowd) return withCrowd(common, draw, kinds);
  return isRush ? withRush(common, draw) : common;
}

/** Each by its own stream, so that one more kind moves no other. Where kinds are asked for, all of them come. */
function drawFaults({ seed, edition }: Plan, kinds: readonly FaultKind[]): PlannedFault[] {
  const areAsked = kinds.length < FAULT_KINDS.length;
  return NEWER_KINDS.filter((kind) => kinds.includes(kind) && NEWER_SHAPES[kind].since <= edition).flatMap(
    (kind) => {
      const draw = createDraw(derived(seed, `fault ${kind}`));
      const times = draw.chance(0.3) ? 2 : 1;
      const isDrawn = draw.chance(NEWER_SHAPES[kind].chance) || areAsked;
      return isDrawn ? Array.from({ length: times }, () => drawFault(draw, kind)) : [];
    },
  );
}

/** Hundreds of jobs at once, while the pool's API or GitHub's is slow. */
function withCrowd(plan: Plan, draw: Draw, kinds: readonly FaultKind[]): Plan {
  const at = draw.between(0, LAST_MS);
  const crowd: PlannedCrowd = {
    type: "crowd",
    at,
    count: draw.between(200, 300),
    repository: draw.between(0, 2),
    seed: draw.between(1, 2 ** 31),
  };
  const slow = (["pool-slow", "github-slow"] as const)
    .filter((kind) => kinds.includes(kind) && draw.chance(0.7))
    .map((kind) => ({ ...drawFault(draw, kind), at: at + draw.between(0, 3 * SECOND), rate: 1 }));
  return {
    ...plan,
    others: [...(plan.others ?? []), "wide"],
    pace: paceOf(draw),
    entries: [...plan.entries, crowd, ...slow],
  };
}

/** Programs that are warm, and then waves of calls at the same instant, while they are idle and while they work. */
function withRush(plan: Plan, draw: Draw): Plan {
  const begin = draw.between(0, LAST_MS);
  const where = {
    repository: draw.between(0, 3),
    pool: draw.between(0, plan.others?.length ?? 0),
  };
  const asks: PlannedAsk[] = [];
  const ask = (at: number, runMs: number): void => {
    asks.push({
      type: "ask",
      name: `job-${FIRST_NAME + asks.length}`,
      at,
      ...where,
      runMs,
      fails: draw.chance(0.1),
      asked: "program",
      isRun: draw.chance(0.2),
      ttlMs: draw.chance(0.1) ? draw.between(2 * MINUTE, 60 * MINUTE) : undefined,
      hasCallback: draw.chance(0.3),
      retries: draw.between(0, 2),
    });
  };
  const warm = draw.between(1, 4);
  for (let one = 0; one < warm; one++) ask(begin, draw.between(5 * SECOND, 30 * SECOND));
  const waves = draw.between(1, 4);
  let at = begin;
  for (let wave = 0; wave < waves; wave++) {
    at += draw.between(MINUTE, 3 * MINUTE);
    const size = draw.between(2, 8);
    for (let one = 0; one < size; one++) ask(at, draw.between(SECOND, 40 * SECOND));
  }
  return { ...plan, inChorus: draw.chance(0.7), pace: paceOf(draw), entries: [...plan.entries, ...asks] };
}

/** Each answer takes a millisecond, so that what begins together goes on in lock step; or each takes its own time. */
function paceOf(draw: Draw): Pace {
  return { share: 1, ms: draw.chance(0.4) ? [1, 1] : [1, draw.between(5, 40)] };
}
