// Which faults are at work now, and whether one strikes.
import type { EpochMs } from "../../../shared/domain/ids.ts";
import type { FaultKind } from "../plan/fault-kinds.ts";
import type { PlannedFault } from "../plan/planned.ts";
import { createDraw, type Draw } from "./draw.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

type Spell = { readonly fault: PlannedFault; readonly draw: Draw; readonly until: EpochMs };

export type Weather = {
  /** Draws for an occasion; a fault that strikes is counted. */
  strikes(kind: FaultKind, on?: string): boolean;
  /** Until when the longest of this kind lasts; undefined when none does. Not counted. */
  lasts(kind: FaultKind): EpochMs | undefined;
  count(kind: FaultKind, on?: string): void;
  /** Of the spell of this kind that began last: its own chance. */
  drawOf(kind: FaultKind): Draw;
  /** A fault has struck within the last minutes. */
  readonly isRestless: boolean;
  /** No fault of the store or of a process is at work: the short way may be taken. */
  readonly isCalm: boolean;
  /** Since when no fault is at work and none has struck; undefined while one is. */
  readonly calmSince: EpochMs | undefined;
  readonly struck: ReadonlyMap<FaultKind, number>;
};

export type WeatherOptions = {
  readonly start: EpochMs;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly faults: readonly PlannedFault[];
  /** At the beginning of a fault that looks for its victim itself; answers whether it has found one. */
  readonly seek: (fault: PlannedFault, draw: Draw) => boolean;
};

const TROUBLES: ReadonlySet<FaultKind> = new Set([
  "store-race",
  "store-lost-answer",
  "store-fault",
  "store-stale",
  "store-slow",
  "crash",
]);
/** Two looks at an orphan are a minute apart. */
const RESTLESS_MS = 5 * 60_000;
/** Between two looks for a victim. */
const SEEK_MS = 30_000;

/** Kinds that have a victim of their own instead of occasions. */
const SEEKING: ReadonlySet<FaultKind> = new Set([
  "crash",
  "worker-crash",
  "wedged-silent",
  "vanished",
  "orphan-container",
  "record-lost",
  "idle-removal",
  "stranger-runner",
  "foreign-job",
  "cancel",
  "rerun",
  "cut-off",
  "outage",
  "ask-cancelled",
  "queue-purged",
  "run-ended",
]);

export function createWeather({ start, timeline, trace, faults, seek }: WeatherOptions): Weather {
  const spells = new Map<FaultKind, Spell[]>();
  const struck = new Map<FaultKind, number>();
  let troubles = 0;
  let struckAt = 0;
  let endedAt = 0;
  for (const fault of faults) timeline.at(start + fault.at, () => begin(fault));

  return {
    strikes(kind, on) {
      const active = spells.get(kind);
      if (active === undefined) return false;
      const hit = active.some(({ fault, draw }) => draw.chance(fault.rate));
      if (hit) count(kind, on);
      return hit;
    },
    lasts(kind) {
      const ends = spells.get(kind)?.map(({ until }) => until) ?? [];
      return ends.length === 0 ? undefined : Math.max(...ends);
    },
    count,
    drawOf: (kind) => spells.get(kind)?.at(-1)?.draw ?? createDraw(timeline.now()),
    get isRestless() {
      return timeline.now() - struckAt < RESTLESS_MS;
    },
    get isCalm() {
      return troubles === 0;
    },
    get calmSince() {
      return spells.size > 0 ? undefined : Math.max(struckAt, endedAt, start);
    },
    struck,
  };

  function count(kind: FaultKind, on = ""): void {
    struck.set(kind, (struck.get(kind) ?? 0) + 1);
    struckAt = timeline.now();
    trace.note("fault", kind, on);
  }

  function begin(fault: PlannedFault): void {
    const until = start + fault.at + fault.ms;
    const draw = createDraw(fault.seed);
    if (SEEKING.has(fault.kind)) {
      look(fault, draw, until);
      return;
    }
    const spell = { fault, draw, until };
    spells.set(fault.kind, [...(spells.get(fault.kind) ?? []), spell]);
    if (TROUBLES.has(fault.kind)) troubles++;
    if (fault.kind === "clock-step") count(fault.kind);
    timeline.at(until, () => end(spell));
  }

  function look(fault: PlannedFault, draw: Draw, until: EpochMs): void {
    if (seek(fault, draw)) return;
    if (timeline.now() + SEEK_MS <= until) timeline.after(SEEK_MS, () => look(fault, draw, until));
  }

  function end(spell: Spell): void {
    const { kind } = spell.fault;
    endedAt = timeline.now();
    const rest = spells.get(kind)?.filter((one) => one !== spell) ?? [];
    if (rest.length === 0) spells.delete(kind);
    else spells.set(kind, rest);
    if (TROUBLES.has(kind)) troubles--;
  }
}
