// A run as data: which jobs come when, and which faults. Leaving entries out gives a smaller run of the same kind.
import type { Edition } from "./editions.ts";
import { NEWEST } from "./editions.ts";
import { createDraw, type Draw, derived } from "./engine/draw.ts";
import type { FaultKind } from "./fault-kinds.ts";
import { FAULT_KINDS, FAULT_SHAPES } from "./fault-kinds.ts";
import type { Asked, OtherPool } from "./scenery.ts";

export type PlannedJob = {
  readonly type: "job";
  readonly name: string;
  /** ms after the start of the run. */
  readonly at: number;
  readonly repository: number;
  /** Of the run's. */
  readonly pool: number;
  readonly cards: number;
  readonly runMs: number;
  readonly fails: boolean;
};

/** A job that a client asks for through the API. */
export type PlannedAsk = Omit<PlannedJob, "type" | "cards"> & {
  readonly type: "ask";
  readonly asked: Asked;
  /** A workflow run asks, whose end ends the job; else the holder of an API key. */
  readonly isRun: boolean;
  readonly ttlMs: number | undefined;
  readonly hasCallback: boolean;
  /** So often it is sent once more when it has failed. */
  readonly retries: number;
};

export type PlannedFault = {
  readonly type: "fault";
  readonly kind: FaultKind;
  readonly at: number;
  readonly ms: number;
  readonly rate: number;
  /** Of its own draws. */
  readonly seed: number;
};

export type Entry = PlannedJob | PlannedAsk | PlannedFault;

export type Plan = {
  readonly seed: number;
  readonly edition: Edition;
  /** One process that loses its changes with it, or functions with a stream. */
  readonly form: "single" | "cloud";
  /** Of each process's clock, ms. */
  readonly skews: readonly number[];
  /** GitHub calls a job in progress when it gives it to a runner, or when the runner has begun. */
  readonly announces: "assignment" | "pickup";
  readonly registration: "token" | "jit";
  /** Runners tell through their hooks what they were given. */
  readonly hasHooks: boolean;
  /** Longest answer of the store in quiet times, ms; 0: at once. */
  readonly storeMs: number;
  /** Beside the pool of numbered cards. Absent: none. */
  readonly others?: readonly OtherPool[];
  readonly entries: readonly Entry[];
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Jobs and faults come within this time; then the run plays on in peace. */
export const STORM_MS = 6 * HOUR;
const LAST_JOB_MS = 5 * HOUR + 30 * MINUTE;
const MAX_SKEW_MS = 2_000;
const CARDS = [1, 1, 1, 1, 1, 1, 2, 2, 4, 8];

export type PlanOptions = { readonly kinds?: readonly FaultKind[]; readonly edition?: Edition };

export function drawPlan(seed: number, { kinds = FAULT_KINDS, edition = NEWEST }: PlanOptions = {}): Plan {
  const draw = createDraw(derived(seed, "plan"));
  const skews = Array.from({ length: 4 }, () => draw.between(-MAX_SKEW_MS, MAX_SKEW_MS));
  const others = drawOthers(draw);
  return {
    seed,
    edition,
    form: draw.chance(0.35) ? "single" : "cloud",
    skews,
    announces: draw.chance(0.5) ? "assignment" : "pickup",
    hasHooks: draw.chance(0.5),
    registration: draw.chance(0.5) ? "token" : "jit",
    storeMs: draw.chance(0.15) ? draw.between(1, 30) : 0,
    others,
    entries: [...drawJobs(draw, 1 + others.length), ...drawFaults(draw, kinds)],
  };
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

function drawFault(draw: Draw, kind: FaultKind): PlannedFault {
  const { ms, rate } = FAULT_SHAPES[kind];
  const length = draw.between(ms[0], ms[1]);
  const [least, most] = rate;
  return {
    type: "fault",
    kind,
    at: draw.between(0, STORM_MS - length),
    ms: length,
    rate: least + (most - least) * draw.fraction(),
    seed: draw.between(1, 2 ** 31),
  };
}
