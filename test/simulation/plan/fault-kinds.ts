// Every fault that a run may meet: how long it lasts, and how often it strikes while it lasts.
import type { Edition } from "./editions.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export type FaultShape = {
  /** Shortest and longest time that it lasts. */
  readonly ms: readonly [number, number];
  /** Chance per occasion, least and most; a fault that looks for one victim strikes once. */
  readonly rate: readonly [number, number];
};

/** Strikes at most once, at the first occasion after its time. */
const ONCE: FaultShape = { ms: [60 * MINUTE, 90 * MINUTE], rate: [1, 1] };
/** The next few occasions. */
const OFTEN: FaultShape = { ms: [5 * MINUTE, 60 * MINUTE], rate: [0.2, 0.8] };
const SOME: FaultShape = { ms: [5 * MINUTE, 60 * MINUTE], rate: [0.05, 0.3] };

const FIRST_SHAPES = {
  // The store.
  "store-race": SOME,
  "store-lost-answer": { ms: [2 * MINUTE, 30 * MINUTE], rate: [0.02, 0.2] },
  "store-fault": { ms: [30 * SECOND, 10 * MINUTE], rate: [0.05, 0.6] },
  "store-stale": OFTEN,
  "store-slow": { ms: [2 * MINUTE, 20 * MINUTE], rate: [0.05, 0.3] },
  // The dispatcher.
  crash: ONCE,
  outage: { ms: [MINUTE, 60 * MINUTE], rate: [1, 1] },
  "change-lost": OFTEN,
  "change-late": OFTEN,
  "change-twice": OFTEN,
  // GitHub's deliveries.
  "delivery-lost": { ms: [5 * MINUTE, 90 * MINUTE], rate: [0.3, 1] },
  "delivery-never": { ms: [5 * MINUTE, 90 * MINUTE], rate: [0.3, 1] },
  "delivery-twice": OFTEN,
  "delivery-reordered": OFTEN,
  "delivery-late": { ms: [5 * MINUTE, 60 * MINUTE], rate: [0.2, 1] },
  // GitHub's jobs and runners.
  "github-outage": { ms: [30 * SECOND, 30 * MINUTE], rate: [0.5, 1] },
  "rate-limit": { ms: [MINUTE, 40 * MINUTE], rate: [1, 1] },
  "registration-limit": { ms: [MINUTE, 5 * MINUTE], rate: [1, 1] },
  "late-pickup": OFTEN,
  "no-pickup": SOME,
  "busy-lag": { ms: [30 * MINUTE, 180 * MINUTE], rate: [1, 1] },
  "idle-removal": ONCE,
  "ghost-runner": SOME,
  "stranger-runner": ONCE,
  "foreign-job": ONCE,
  gate: OFTEN,
  cancel: ONCE,
  rerun: ONCE,
  // Clients of the API.
  "call-lost": { ms: [5 * MINUTE, 60 * MINUTE], rate: [0.2, 0.7] },
  "call-twice": OFTEN,
  "ask-cancelled": ONCE,
  "queue-purged": ONCE,
  "run-ended": ONCE,
  "callback-failed": { ms: [10 * MINUTE, 90 * MINUTE], rate: [0.3, 1] },
  // The pool.
  "slow-start": OFTEN,
  "pull-failed": SOME,
  "start-refused": { ms: [MINUTE, 10 * MINUTE], rate: [0.3, 1] },
  "pool-unavailable": { ms: [MINUTE, 20 * MINUTE], rate: [0.5, 1] },
  "start-lost": SOME,
  "stop-lost": SOME,
  "worker-crash": ONCE,
  "dead-card": SOME,
  "wedged-silent": ONCE,
  "wedged-stop": SOME,
  "cut-off": { ms: [MINUTE, 15 * MINUTE], rate: [1, 1] },
  "started-twice": OFTEN,
  vanished: ONCE,
  "orphan-container": ONCE,
  "record-lost": ONCE,
} as const satisfies { readonly [kind: string]: FaultShape };

/** Of later editions. `chance`: that a run has it, drawn for each by itself. */
export const NEWER_SHAPES = {
  // A process's wall clock is set ahead or back, and set right again.
  "clock-step": { ms: [2 * MINUTE, 120 * MINUTE], rate: [1, 1], chance: 0.2, since: 3 },
  // A program's call for a job is made twice at the same instant.
  "take-twice": { ...OFTEN, chance: 0.15, since: 2 },
  // It answers nothing for a while, and then all that still waits at once.
  "pool-slow": { ms: [5 * SECOND, MINUTE], rate: [0.5, 1], chance: 0.1, since: 2 },
  "github-slow": { ms: [5 * SECOND, 2 * MINUTE], rate: [0.5, 1], chance: 0.1, since: 2 },
} as const satisfies {
  readonly [kind: string]: FaultShape & { readonly chance: number; readonly since: Edition };
};

export const FAULT_SHAPES = { ...FIRST_SHAPES, ...NEWER_SHAPES };

type FirstKind = keyof typeof FIRST_SHAPES;
export type NewerKind = keyof typeof NEWER_SHAPES;
export type FaultKind = FirstKind | NewerKind;

/** Those of the first edition, whose draws depend on their order. */
export const FIRST_KINDS = Object.keys(FIRST_SHAPES) as FirstKind[];
export const NEWER_KINDS = Object.keys(NEWER_SHAPES) as NewerKind[];
export const FAULT_KINDS: readonly FaultKind[] = [...FIRST_KINDS, ...NEWER_KINDS];
