// The pool behind a Docker engine: every worker is a container on its host, and the engine knows all there is to know.
import type { WorkerId } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { PoolDriver, StartOutcome } from "../../../ports/pool-driver.ts";
import { endBeside } from "../end-beside.ts";
import { type ListedContainer, listContainers, lookAt } from "./container-facts.ts";
import { createEnforce, type Enforce } from "./enforce-deadline.ts";
import { createEngine, type Engine } from "./engine/engine.ts";
import { type Cards, findCards } from "./find-cards.ts";
import { createPulls } from "./images/pull-image.ts";
import type { SecretSource } from "./images/registry-auth.ts";
import { isBuilder, type Owner } from "./labels.ts";
import type { DockerPoolSettings } from "./settings.ts";
import { startWorker } from "./start-worker.ts";
import { stopContainer } from "./stop-container.ts";
import { createWaitingWorkers, type WaitingWorkers } from "./waiting-workers.ts";
import { watchEnds } from "./watch-ends.ts";
import { readLog, workerState } from "./worker-state.ts";

export type DockerPoolDeps = {
  /** Stored deployment id: containers of other dispatchers on the same engine are left alone. */
  readonly deployment: string;
  /** Where the passwords for registries are. */
  readonly secrets: SecretSource;
  readonly clock: Clock;
  readonly log: Log;
  /** Durations and places that tests change. */
  readonly devDir?: string;
  readonly answerMs?: number;
  readonly patienceMs?: number;
  readonly pullQuietMs?: number;
  readonly eventsPauseMs?: number;
};

/** A registry refuses within a second or two; a pass of the dispatcher may hold its pool for 20 s. */
const PATIENCE_MS = 3_000;
/** An engine tells of a download every 0.1 s, but is silent while it unpacks a layer of many GB. */
const PULL_QUIET_MS = 600_000;

/** Asks the engine nothing before the first call. Throws when a file of the pool's tls cannot be read. */
export function createDockerPool(settings: DockerPoolSettings, deps: DockerPoolDeps): PoolDriver {
  const { clock, log, secrets } = deps;
  const pool = settings.name;
  const engine = createEngine(settings.host, deps.answerMs);
  const owner: Owner = { deployment: deps.deployment, pool };
  const cards = rememberCards(() => findCards(settings, engine, deps.devDir ?? "/dev"));
  const quietMs = deps.pullQuietMs ?? PULL_QUIET_MS;
  const pulls = createPulls({ engine, settings, secrets, clock, log, quietMs });
  const waiting = createWaitingWorkers({ pool, log });
  const patienceMs = deps.patienceMs ?? PATIENCE_MS;
  const startDeps = { engine, settings, owner, cards, clock, pulls, waiting, patienceMs };
  const starts = new Map<WorkerId, Promise<StartOutcome>>();
  const enforce = createEnforce({ engine, pool, clock, log });

  return {
    capabilities: { idempotentStart: true, namedCards: settings.kind !== "cpu" },

    async capacity() {
      const { devices, simulated } = await cards();
      return { total: devices.length, simulated };
    },

    start(spec) {
      const running = starts.get(spec.workerId);
      if (running !== undefined) return running;
      const start = startWorker(spec, startDeps).finally(() => starts.delete(spec.workerId));
      starts.set(spec.workerId, start);
      return start;
    },

    async inspect(workerId) {
      const waits = waiting.stateOf(workerId);
      if (waits !== undefined) return waits;
      const found = await lookAt(engine, workerId, owner);
      if (found === undefined || found === "foreign") return { type: "gone" };
      await enforce({ workerId, ...found });
      return await workerState(workerId, found, { engine, pool });
    },

    ...createListings({ engine, owner, enforce, waiting }),

    watch: (onEnd) => watchEnds({ engine, owner, log, pauseMs: deps.eventsPauseMs }, onEnd),

    stop: endBeside(async (workerId, graceMs) => {
      await starts.get(workerId)?.catch(() => undefined); // its fault is its caller's
      await waiting.cancel(workerId);
      return await stopContainer(workerId, graceMs, { engine, owner, pool, log });
    }),

    async logsTail(workerId, lines) {
      if (lines <= 0) return [];
      const failure = waiting.failureOf(workerId);
      return failure === undefined ? await readLog(workerId, lines, engine) : [failure];
    },
  };
}

type ListingDeps = {
  readonly engine: Engine;
  readonly owner: Owner;
  readonly enforce: Enforce;
  readonly waiting: WaitingWorkers;
};

function createListings({
  engine,
  owner,
  enforce,
  waiting,
}: ListingDeps): Pick<PoolDriver, "list" | "ended"> {
  return {
    async list() {
      // With builders whose worker somebody has removed.
      const { all } = await look();
      return [...new Set([...idsOf(all), ...waiting.list()])];
    },
    async ended() {
      const { workers } = await look();
      const failed = waiting.list().filter((workerId) => waiting.failureOf(workerId) !== undefined);
      return [...idsOf(workers.filter(({ phase }) => phase === "ended")), ...failed];
    },
  };

  async function look() {
    const all = await listContainers(engine, owner);
    const workers = all.filter(({ labels }) => !isBuilder(labels));
    await Promise.all(workers.map(enforce));
    return { all, workers };
  }
}

function idsOf(containers: readonly ListedContainer[]): WorkerId[] {
  return containers.map(({ workerId }) => workerId);
}

/** Cards do not come and go while a host is up; what could not be counted is counted again. */
function rememberCards(count: () => Promise<Cards>): () => Promise<Cards> {
  let known: Promise<Cards> | undefined;
  return () => {
    known ??= count().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}
