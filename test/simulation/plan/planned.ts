// A run as data: which jobs come when, and which faults. Leaving entries out gives a smaller run of the same kind.

import type { Asked, OtherPool } from "../scenery.ts";
import type { Edition } from "./editions.ts";
import type { FaultKind } from "./fault-kinds.ts";

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

/** Jobs of one card each that are queued within a few seconds, in the pool that has room for all of them. */
export type PlannedCrowd = {
  readonly type: "crowd";
  readonly at: number;
  readonly count: number;
  readonly repository: number;
  /** Of its own draws. */
  readonly seed: number;
};

export type Entry = PlannedJob | PlannedAsk | PlannedCrowd | PlannedFault;

/** How long the store takes for an answer: this part of them, and so many ms. */
export type Pace = { readonly share: number; readonly ms: readonly [number, number] };

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
  /** Instead of `storeMs`. */
  readonly pace?: Pace;
  /** Programs ask for jobs at the same instants. */
  readonly inChorus?: boolean;
  /** Beside the pool of numbered cards. Absent: none. */
  readonly others?: readonly OtherPool[];
  readonly entries: readonly Entry[];
};

const HOUR = 3_600_000;

/** Jobs and faults come within this time; then the run plays on in peace. */
export const STORM_MS = 6 * HOUR;
