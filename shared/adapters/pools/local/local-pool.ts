// The pool on this host: every worker is a process of its own, which outlives the dispatcher and is found again.
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { STOP_GRACE_MS } from "../../../domain/deadlines.ts";
import type { PoolName, WorkerId } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { ContainerState, PoolDriver, StartOutcome } from "../../../ports/pool-driver.ts";
import { endBeside } from "../end-beside.ts";
import { createEndWorker, type EndWorker } from "./end-worker.ts";
import { findCards } from "./find-cards.ts";
import { type LimitTimers, limitTimers } from "./limit-timers.ts";
import { locateWorker, type Place } from "./locate-worker.ts";
import { isRunning, readBootId, readSelf } from "./read-processes.ts";
import type { Spawned } from "./spawn-worker.ts";
import { startWorker } from "./start-worker.ts";
import type { Cards } from "./worker-env.ts";
import { type WorkerFolders, workerFolders } from "./worker-folders.ts";
import type { WorkerRecord } from "./worker-record.ts";

type Env = { readonly [name: string]: string | undefined };

export type LocalPoolOptions = {
  readonly name: PoolName;
  /** The pool's own folder; two pools must not share one. */
  readonly dir: string;
  /** Where its runners' folders are, for a user who may not enter `dir`; theirs alone, as `dir`. */
  readonly runnersDir?: string;
  readonly kind: "npu" | "gpu" | "cpu";
  /** "auto": the device files of this host, 8 simulated cards where there are none; for `cpu` its cores. */
  readonly cards: number | "auto";
  /** Program and arguments of our worker, for endpoints without a command. */
  readonly workerCommand: readonly string[];
  /** The dispatcher's environment: only its harmless part reaches a worker (see worker-env.ts). */
  readonly baseEnv: Env;
  /** Set by the operator for all workers of this pool, as it is. */
  readonly extraEnv: Env;
  readonly devDir?: string;
  readonly clock: Clock;
  readonly log: Log;
};

/** A worker that KILL does not end at its limit is tried again after this. */
const LIMIT_RETRY_MS = 60_000;
/** From the end of a child to its exit event: 1 ms on an idle machine. */
const EXIT_MS = 1_000;

/** Throws when the host has some devices, but fewer than `cards`, or is no Linux. */
export function createLocalPool(options: LocalPoolOptions): PoolDriver {
  const { name, clock, log } = options;
  const cards = findCards(options.kind, options.cards, options.devDir ?? "/dev");
  const folders = workerFolders(resolve(options.dir), options.runnersDir);
  const self = readSelf();
  const bootId = readBootId();
  const locate = async (workerId: WorkerId) =>
    locateWorker(workerId, await folders.record(workerId), folders, bootId);
  const endWorker = createEndWorker(locate);
  const limits = limitsOf({ name, clock, locate, endWorker, log });
  const startDeps = { ...options, folders, cards, self, bootId, onSpawned };
  const starts = new Map<WorkerId, Promise<StartOutcome>>();
  const exits = watchExits({ name, folders, clock, log });
  if (cards.simulated) announceSimulated(cards, options);
  void recover({ name, folders, limits, log });

  const inspect = createInspect({ folders, cards, locate, exits });

  return {
    capabilities: { idempotentStart: true, namedCards: options.kind !== "cpu" },
    capacity: async () => ({ total: cards.devices.length, simulated: cards.simulated }),

    start(spec) {
      const running = starts.get(spec.workerId);
      if (running !== undefined) return running;
      const start = startWorker(spec, startDeps).finally(() => starts.delete(spec.workerId));
      starts.set(spec.workerId, start);
      return start;
    },

    inspect,
    list: () => folders.list(),

    async ended() {
      const all = await folders.list();
      const states = await Promise.all(all.map(inspect));
      return all.filter((_, index) => states[index]?.type === "exited");
    },

    stop: endBeside(async (workerId, graceMs) => {
      await starts.get(workerId)?.catch(() => undefined); // its fault is its caller's
      if (!(await endWorker(workerId, graceMs))) return "stopping";
      limits.disarm(workerId);
      const { emptied } = await folders.remove(workerId);
      emptied.catch((error) => log.warn("worker-folder-left", { pool: name, worker: workerId, error }));
      return "gone";
    }),

    logsTail: (workerId, lines) => folders.logTail(workerId, lines),
  };

  function onSpawned(workerId: WorkerId, record: WorkerRecord, spawned: Spawned): void {
    limits.arm(workerId, record.startedAt + record.limitMs);
    exits.watch(workerId, spawned.ended);
  }
}

function createInspect(deps: {
  readonly folders: WorkerFolders;
  readonly cards: Cards;
  readonly locate: (workerId: WorkerId) => Promise<Place>;
  readonly exits: { noted(workerId: WorkerId): Promise<void> };
}) {
  const { folders, cards, locate, exits } = deps;
  return async function inspect(workerId: WorkerId): Promise<ContainerState> {
    if (!(await folders.exists(workerId))) return { type: "gone" };
    const place = await locate(workerId);
    if (place.type === "starting") return { type: "running" };
    const slots = (await folders.record(workerId))?.slots;
    const devices = slots && otherNumbers(slots, cards);
    if (place.type === "process") {
      if (isRunning(place.process)) return { type: "running", slots, ...devices };
      await exits.noted(workerId);
    }
    return { ...(await exitedState(workerId, folders)), ...devices };
  };
}

function announceSimulated({ kind, devices }: Cards, { name, log }: LocalPoolOptions): void {
  const message = `no ${kind} devices on this host: the pool's cards are simulated`;
  log.info("cards-simulated", { pool: name, cards: devices.length, message });
}

/** What the host calls its cards, where that is not the number of the slot. */
function otherNumbers(slots: readonly number[], { devices }: Cards): { devices: string[] } | undefined {
  const isOther = slots.some((slot) => (devices[slot] ?? slot) !== slot);
  return isOther ? { devices: slots.map((slot) => String(devices[slot] ?? slot)) } : undefined;
}

async function exitedState(workerId: WorkerId, folders: WorkerFolders) {
  const [code, result] = await Promise.all([folders.exitCode(workerId), folders.result(workerId)]);
  return { type: "exited", code, result } as const;
}

type ExitDeps = {
  readonly name: PoolName;
  readonly folders: WorkerFolders;
  readonly clock: Clock;
  readonly log: Log;
};

/** Notes the exit codes of this dispatcher's own children. */
function watchExits({ name, folders, clock, log }: ExitDeps) {
  const notes = new Map<WorkerId, Promise<void>>();
  return {
    watch(workerId: WorkerId, ended: Promise<number>): void {
      const note = ended
        .then((code) => folders.noteExit(workerId, code, clock.now()))
        .catch((error) => log.warn("worker-exit-not-noted", { pool: name, worker: workerId, error }))
        .finally(() => notes.delete(workerId));
      notes.set(workerId, note);
    },
    /** For a child that has ended: /proc knows before Node tells the code. Bounded, for the child keeps nothing alive. */
    async noted(workerId: WorkerId): Promise<void> {
      const deadline = performance.now() + EXIT_MS;
      while (notes.has(workerId) && performance.now() < deadline) await sleep(1);
    },
  };
}

type LimitDeps = {
  readonly name: PoolName;
  readonly clock: Clock;
  readonly locate: (workerId: WorkerId) => Promise<Place>;
  readonly endWorker: EndWorker;
  readonly log: Log;
};

function limitsOf(deps: LimitDeps): LimitTimers {
  const limits: LimitTimers = limitTimers(deps.clock, async (workerId) => {
    const ended = await enforceLimit(workerId, deps);
    if (!ended) limits.arm(workerId, deps.clock.now() + LIMIT_RETRY_MS);
  });
  return limits;
}

/** True when the worker has ended. */
async function enforceLimit(
  workerId: WorkerId,
  { name, locate, endWorker, log }: LimitDeps,
): Promise<boolean> {
  const about = { pool: name, worker: workerId };
  try {
    const place = await locate(workerId);
    if (place.type === "none" || (place.type === "process" && !isRunning(place.process))) return true;
    log.warn("worker-limit-reached", about);
    const ended = await endWorker(workerId, STOP_GRACE_MS);
    if (!ended) log.error("worker-outlives-limit", about);
    return ended;
  } catch (error) {
    log.error("worker-outlives-limit", { ...about, error });
    return false;
  }
}

type RecoverDeps = {
  readonly name: PoolName;
  readonly folders: WorkerFolders;
  readonly limits: LimitTimers;
  readonly log: Log;
};

/** Takes over from the dispatcher before this one: the limits of its workers, and the remains of its crash. */
async function recover({ name, folders, limits, log }: RecoverDeps): Promise<void> {
  try {
    const found = await folders.list();
    for (const workerId of found) {
      const record = await folders.record(workerId);
      if (record !== undefined) limits.arm(workerId, record.startedAt + record.limitMs);
    }
    if (found.length > 0) log.info("workers-found", { pool: name, count: found.length });
    await folders.sweep();
  } catch (error) {
    // No call depends on this one; the same fault meets the next `start` and is its answer.
    log.error("pool-not-recovered", { pool: name, error });
  }
}
