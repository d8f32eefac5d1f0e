// The plan that a seed means.
import { createDraw, type Draw, derived } from "../engine/draw.ts";
import type { OtherPool } from "../scenery.ts";
import type { Edition } from "./editions.ts";
import { NEWEST } from "./editions.ts";
import { drawFault } from "./fault.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { FAULT_KINDS, FIRST_KINDS } from "./fault-kinds.ts";
import { drawNewer } from "./newer.ts";
import type { Plan, PlannedAsk, PlannedFault, PlannedJob } from "./planned.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const LAST_JOB_MS = 5 * HOUR + 30 * MINUTE;
const MAX_SKEW_MS = 2_000;
const CARDS = [1, 1, 1, 1, 1, 1, 2, 2, 4, 8];

export type PlanOptions = { readonly kinds?: readonly FaultKind[]; readonly edition?: Edition };

export function drawPlan(seed: number, { kinds = FAULT_KINDS, edition = NEWEST }: PlanOptions = {}): Plan {
  const draw = createDraw(derived(seed, "plan"));
  const skews = Array.from({ length: 4 }, () => draw.between(-MAX_SKEW_MS, MAX_SKEW_MS));
  const others = drawOthers(draw);
  const first: Plan = {
    seed,
    edition,
    form: draw.chance(0.35) ? "single" : "cloud",
    skews,
    announces: draw.chance(0.5) ? "assignment" : "pickup",
    hasHooks: draw.chance(0.5),
    registration: draw.chance(0.5) ? "token" : "jit",
    storeMs: draw.chance(0.15) ? draw.between(1, 30) : 0,
    others,
    entries: [
      ...drawJobs(draw, 1 + others.length),
      ...drawFaults(
        draw,
        FIRST_KINDS.filter((kind) => kinds.includes(kind)),
      ),
    ],
  };
  return edition === 1 ? first : drawNewer(first, kinds);
}

/** One to three pools. */
function drawOthers(draw: Draw): OtherPool[] {
  const kinds: readonly OtherPool[] = ["nodes", "none"];
  return kinds.filter(() => draw.chance(0.4));
}

/** Bursts of equal jobs, as a matrix makes them, with single ones between; one in four bursts comes through the API. */
function drawJobs(draw: Draw, pools: number): (PlannedJob | PlannedAsk)[] {
  const count = draw.between(20, 30);
  const jobs: (PlannedJob | PlannedAsk)[] = [];
  while (jobs.length < count) {
    const at = draw.between(0, LAST_JOB_MS);
    const size = Math.min(count - jobs.length, draw.chance(0.4) ? draw.between(2, 8) : 1);
    const pool = draw.between(0, pools - 1);
    // The owner of the last one may have four cards: what asks for more waits for ever, and must not hold up the others.
    const repository = draw.between(0, 3);
    const drawOne = draw.chance(0.25) ? askIn(draw) : jobIn(draw);
    for (let one = 0; one < size; one++) {
      const name = `job-${jobs.length}`;
      const common = { name, at: at + draw.between(0, 5_000), repository, pool };
      jobs.push({ ...common, runMs: runMsOf(draw), fails: draw.chance(0.15), ...drawOne() });
    }
  }
  return jobs;
}

function jobIn(draw: Draw): () => Pick<PlannedJob, "type" | "cards"> {
  const cards = draw.pick(CARDS);
  return () => ({ type: "job", cards });
}

type AskParts = Omit<PlannedAsk, keyof Omit<PlannedJob, "type" | "cards">>;

function askIn(draw: Draw): () => AskParts {
  const asked = draw.chance(0.6) ? "program" : "steps";
  return () => ({
    type: "ask",
    asked,
    isRun: draw.chance(0.4),
    ttlMs: draw.chance(0.2) ? draw.between(2 * MINUTE, 60 * MINUTE) : undefined,
    hasCallback: draw.chance(0.5),
    retries: draw.between(0, 2),
  });
}

/** Most are short; one in fifty runs into the execution limit. */
function runMsOf(draw: Draw): number {
  if (draw.chance(0.02)) return draw.between(2 * HOUR, 3 * HOUR);
  return draw.chance(0.2) ? draw.between(10 * MINUTE, 40 * MINUTE) : draw.between(20_000, 8 * MINUTE);
}

/** Three kinds or more, each once or twice. */
function drawFaults(draw: Draw, kinds: readonly FaultKind[]): PlannedFault[] {
  const left = [...kinds];
  const wanted = Math.min(kinds.length, draw.between(3, 9));
  const faults: PlannedFault[] = [];
  for (let one = 0; one < wanted; one++) {
    const kind = draw.pick(left);
    left.splice(left.indexOf(kind), 1);
    const times = draw.chance(0.3) ? 2 : 1;
    for (let time = 0; time < times; time++) faults.push(drawFault(draw, kind));
  }
  return faults;
}
