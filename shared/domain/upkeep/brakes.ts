// The brakes of the reconciler: too many stops at once are more likely a mistake of ours, or of the pool, than the truth.
//
// What counts is every stop that takes a container down though its worker did not ask for it and may be running a job:
// containers without a record, workers whose container the pool denies, workers at their execution limit. Not counted:
// a container that has ended by itself, and a worker that has never made a call, which cannot have a job.
//
// Nobody has to release the brakes: what the pool goes on saying for BRAKES_HOLD_MS is taken for true, and the log says
// so. Whoever finds the cause earlier mends it, and the workers are no longer seen as gone.

import { BRAKES_HOLD_MS, BRAKES_WINDOW_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import { isOver } from "../time-gate.ts";

/** Over 3 and over 10 % of the live workers. */
const MAX_STOPS = 3;
const MAX_SHARE = 0.1;

/** Names with the time they were noted at. */
type Noted = { readonly [name: string]: EpochMs };

export type BrakesView = {
  /** What this pass would stop. */
  readonly planned: readonly string[];
  /** Live workers by their records. */
  readonly live: readonly string[];
  /** Planned in passes before, stopped or not, and when last. */
  readonly recent: Noted;
  /** Halted in passes before, and since when. */
  readonly halted: Noted;
};

export type BrakesDecision = {
  readonly go: readonly string[];
  readonly halt: readonly string[];
  /** Those of `go` that were halted for long enough. */
  readonly letGo: readonly string[];
  /** `recent` and `halted` for the next pass. */
  readonly recent: Noted;
  readonly halted: Noted;
};

export function decideBrakes(view: BrakesView, now: EpochMs): BrakesDecision {
  const within = Object.entries(view.recent).filter(([, at]) => !isOver(at, BRAKES_WINDOW_MS, now));
  const recent = {
    ...Object.fromEntries(within),
    ...Object.fromEntries(view.planned.map((name) => [name, now])),
  };
  if (!areTooMany(Object.keys(recent), view.live)) {
    return { go: view.planned, halt: [], letGo: [], recent, halted: {} };
  }
  const since = (name: string) => Math.min(view.halted[name] ?? now, now);
  const letGo = view.planned.filter((name) => now - since(name) >= BRAKES_HOLD_MS);
  const halt = view.planned.filter((name) => !letGo.includes(name));
  // One that was not planned within the window is as it should be again: its time begins anew.
  const stillHalted = Object.keys(recent).filter((name) => name in view.halted && !letGo.includes(name));
  const halted = Object.fromEntries([...stillHalted, ...halt].map((name) => [name, since(name)]));
  return { go: letGo, halt, letGo, recent, halted };
}

function areTooMany(stops: readonly string[], live: readonly string[]): boolean {
  // What was stopped a moment ago is no longer live, and an orphan never was.
  const workers = new Set([...live, ...stops]).size;
  return stops.length > MAX_STOPS && stops.length > MAX_SHARE * workers;
}
