// The clocks of the dispatcher's processes: each a little off, and some machines' set ahead or back for a while.
//
// The one process keeps its own time, as the server does; the functions read the clocks of their hosts, and hear from the
// store and from whoever passes calls on to them what time it is.
import { createSteadyClock } from "../../../shared/adapters/system/clock.ts";
import { createHeardClock } from "../../../shared/adapters/system/heard-clock.ts";
import type { EpochMs } from "../../../shared/domain/ids.ts";
import type { PassLock } from "../../../shared/domain/upkeep/marks.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import { LAST_PASS } from "../../../shared/usecases/reconcile/pass/pass-lock.ts";
import type { Ground } from "../ground.ts";
import type { Entry, Plan, PlannedFault } from "../plan/planned.ts";
import { START } from "../scenery.ts";
import { createDraw, derived } from "./draw.ts";
import type { ProcessName } from "./processes.ts";
import { PROCESSES } from "./processes.ts";

/** One process has one clock. In the cloud, sandboxes have one each: half of those of one function are off. */
type Step = {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly offMs: number;
  readonly process: ProcessName;
  readonly parity: number;
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const LEAST_MS = 2 * SECOND;
/** A server whose clock is set by hand, or after its battery has run out; a function's host is watched better. */
const MOST_MS = { single: 6 * 60 * MINUTE, cloud: 10 * MINUTE };

export type Clocks = {
  /** Of the `opened`th sandbox of a run. `hear`: it is told the true time; absent where its host's clock is never set. */
  of(process: ProcessName, opened: number): SimClock;
  /** The one process has ended without a stop, and begins again: what it has left of its time is asked for. */
  restart(): void;
};

type SimClock = Clock & { readonly hear?: () => void };
type World = Pick<Ground, "plan" | "timeline" | "table">;

export function createClocks(world: World): Clocks {
  if (world.plan.form === "cloud")
    return { of: (process, opened) => heardOf(world, process, opened), restart() {} };
  const own = createSteadyClock(wallOf(world, "reconcile", 0), world.timeline.now);
  return {
    of: () => own,
    restart: () =>
      own.resume(world.table.marks.get(LAST_PASS.kind, LAST_PASS.id)?.value as PassLock | undefined),
  };
}

function heardOf(world: World, process: ProcessName, opened: number): SimClock {
  const wall = wallOf(world, process, opened);
  if (!world.plan.entries.some(isStep)) return { now: wall };
  const { now, hear } = createHeardClock(wall);
  return { now, hear: () => hear(world.timeline.now()) };
}

function isStep(entry: Entry): entry is PlannedFault {
  return entry.type === "fault" && entry.kind === "clock-step";
}

function wallOf({ plan, timeline }: World, process: ProcessName, opened: number): () => EpochMs {
  const isSingle = plan.form === "single";
  const skew = plan.skews[isSingle ? 0 : PROCESSES.indexOf(process)] ?? 0;
  const steps = plan.entries
    .filter(isStep)
    .map((fault) => stepOf(fault, plan.form))
    .filter((step) => isSingle || (step.process === process && step.parity === opened % 2));
  if (steps.length === 0) return () => timeline.now() + skew;
  return () => {
    const now = timeline.now();
    return steps.reduce(
      (sum, { from, to, offMs }) => (from <= now && now < to ? sum + offMs : sum),
      now + skew,
    );
  };
}

/** As many steps of seconds as of minutes, and of hours. */
export function stepOf({ at, ms, seed }: PlannedFault, form: Plan["form"]): Step {
  const draw = createDraw(derived(seed, "step"));
  const sign = draw.chance(0.5) ? 1 : -1;
  const size = Math.round(LEAST_MS * (MOST_MS[form] / LEAST_MS) ** draw.fraction());
  return {
    from: START + at,
    to: START + at + ms,
    offMs: sign * size,
    process: draw.pick(PROCESSES),
    parity: draw.between(0, 1),
  };
}
