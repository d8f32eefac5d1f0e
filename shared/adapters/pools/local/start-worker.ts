// Starts a worker at most once, whoever asks, how often, and wherever a crash falls.
//
// Claim, spawn, note. The claim is a rename, so exactly one dispatcher ever spawns for a worker id. A claim whose
// dispatcher died before it noted the pid is never taken over: the process is either found by its marker, or the start
// is refused and the job gets another worker. That costs one start in the 4 ms between claim and note; a take-over
// would need a proof that no process was there in that time. A launcher that notes its own pid and then execs would
// close the gap too, but Node adds 40 ms per start and a shell is not ours to rely on.
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerId } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { StartOutcome, StartSpec } from "../../../ports/pool-driver.ts";
import { endProcesses } from "./end-processes.ts";
import { locateWorker, marker } from "./locate-worker.ts";
import type { ProcessIdentity } from "./read-processes.ts";
import { type Spawned, spawnWorker } from "./spawn-worker.ts";
import { startFailure } from "./start-failure.ts";
import { type Cards, workerEnv } from "./worker-env.ts";
import type { WorkerFolders } from "./worker-folders.ts";
import type { WorkerRecord } from "./worker-record.ts";

type Env = { readonly [name: string]: string | undefined };

export type StartDeps = {
  readonly folders: WorkerFolders;
  readonly cards: Cards;
  readonly workerCommand: readonly string[];
  readonly baseEnv: Env;
  readonly extraEnv: Env;
  readonly self: ProcessIdentity;
  readonly bootId: string;
  readonly clock: Clock;
  /** Called in the turn in which the process is noted. */
  onSpawned(workerId: WorkerId, record: WorkerRecord, spawned: Spawned): void;
};

/** Another dispatcher needs some ms from its claim to its note; longer means that it hangs. */
const OTHER_STARTER_MS = 2_000;
const RETRY_MS = 1_000;

export async function startWorker(spec: StartSpec, deps: StartDeps): Promise<StartOutcome> {
  const command = spec.command ?? deps.workerCommand;
  const objection = objectionTo(spec, command, deps.cards);
  if (objection !== undefined) return { type: "refused", message: objection };
  try {
    if (await deps.folders.exists(spec.workerId)) return await joinStart(spec.workerId, deps);
    return (await launch(spec, command, deps)) ?? (await joinStart(spec.workerId, deps));
  } catch (error) {
    return startFailure(error, command[0] ?? "");
  }
}

/** Undefined when another start has the claim. */
async function launch(
  spec: StartSpec,
  command: readonly string[],
  deps: StartDeps,
): Promise<StartOutcome | undefined> {
  const { folders } = deps;
  const { workerId, slots, limitMs } = spec;
  const claim: WorkerRecord = {
    bootId: deps.bootId,
    starter: deps.self,
    slots: [...slots],
    startedAt: deps.clock.now(),
    limitMs,
  };
  const log = await folders.claim(workerId, claim);
  if (log === undefined) return undefined;
  try {
    const dir = folders.workDir(workerId);
    const runnerDir = await folders.makeRunnerDir(workerId);
    const env = { base: deps.baseEnv, extra: deps.extraEnv, own: spec.env };
    const spawned = await spawnWorker(command, {
      env: workerEnv({ workerId, dir, runnerDir, keptDir: folders.keptDir, slots }, deps.cards, env),
      cwd: dir,
      logFd: log.fd,
    });
    const record = { ...claim, process: spawned.process };
    deps.onSpawned(workerId, record, spawned);
    await folders.writeRecord(workerId, record);
    return { type: "started" };
  } catch (error) {
    // No process, or one that could not be noted and would be lost: back to nothing.
    const target = { leader: undefined, marker: marker(workerId), sinceTicks: deps.self.startTicks };
    await endProcesses(target, 0, { term: false });
    await (await folders.remove(workerId)).emptied;
    throw error;
  } finally {
    await log.close();
  }
}

/** The worker has a folder: what came of the start that made it. */
async function joinStart(workerId: WorkerId, deps: StartDeps): Promise<StartOutcome> {
  const { folders, bootId } = deps;
  const deadline = performance.now() + OTHER_STARTER_MS;
  for (;;) {
    const place = await locateWorker(workerId, await folders.record(workerId), folders, bootId);
    if (place.type === "process") return { type: "started" };
    if (!(await folders.exists(workerId))) {
      return unavailable(
        `the start of ${workerId} by another dispatcher failed, or the worker was just stopped`,
      );
    }
    if (place.type === "none") {
      const message = `the dispatcher that started ${workerId} ended before its process was known; start a new worker`;
      return { type: "cut-off", message };
    }
    if (performance.now() > deadline) return unavailable(`another dispatcher still starts ${workerId}`);
    await sleep(10);
  }
}

function unavailable(message: string): StartOutcome {
  return { type: "unavailable", message, retryAfterMs: RETRY_MS };
}

function objectionTo(spec: StartSpec, command: readonly string[], cards: Cards): string | undefined {
  if (!command[0]) return `endpoint ${spec.endpoint} names no program for its workers`;
  if (cards.kind === "cpu") return undefined;
  if (spec.slots.length !== spec.cards) {
    return `${spec.workerId} needs ${spec.cards} cards, but ${spec.slots.length} were named`;
  }
  const missing = spec.slots.filter((slot) => slot >= cards.devices.length);
  if (missing.length === 0) return undefined;
  return `the pool has ${cards.devices.length} cards, there is no card ${missing.join()} (they count from 0)`;
}
