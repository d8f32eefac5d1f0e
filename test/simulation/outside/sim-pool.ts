// One pool: containers that start slowly, fail, vanish, hang or come back, and the driver's view of them.
import type { EpochMs, WorkerId } from "../../../shared/domain/ids.ts";
import type {
  ContainerState,
  PoolDriver,
  StartOutcome,
  StartSpec,
} from "../../../shared/ports/pool-driver.ts";
import type { Draw } from "../engine/draw.ts";
import type { Synchronous } from "../engine/synchronous.ts";
import type { Timeline } from "../engine/timeline.ts";
import type { Trace } from "../engine/trace.ts";
import type { Weather } from "../engine/weather.ts";
import type { ScenePool } from "../scenery.ts";
import { createSimNodes } from "./sim-nodes.ts";

export type Container = {
  readonly spec: StartSpec;
  readonly id: WorkerId;
  readonly pool: ScenePool;
  /** Where the pool has nodes; undefined while it waits for room on one. */
  node: string | undefined;
  readonly startedAt: EpochMs;
  state: "alive" | "exited" | "gone";
  end: { readonly code: number | undefined; readonly result: string | undefined } | undefined;
  /** A stop is answered "stopping" until then. */
  stoppingUntil: EpochMs | undefined;
  /** Came back by itself, without its cards. */
  readonly isRevenant: boolean;
  /** A second container of the same worker. */
  twin: Container | undefined;
};

class PoolFault extends Error {
  override readonly name = "PoolFault";
}

export type SimPool = {
  readonly driver: Synchronous<PoolDriver>;
  readonly containers: ReadonlyMap<WorkerId, Container>;
  living(): Container[];
  exit(container: Container, code: number | undefined, result?: string): void;
  vanish(container: Container): void;
  /** A container of a worker that was stopped is there again, as after a restart of its node. */
  revive(spec: StartSpec): Container;
};

export type SimPoolOptions = {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly weather: Weather;
  readonly draw: Draw;
  readonly place: ScenePool;
  /** `bootMs`: from now to its first call; undefined: it never gets so far. */
  readonly onStart: (container: Container, bootMs: number | undefined) => void;
  /** Its processes are gone. */
  readonly onEnd: (container: Container) => void;
  /** It is there, though it may wait for its node or its image yet. */
  readonly onMade: (container: Container) => void;
  /** The dispatcher takes down a container that lives. */
  readonly onStop: (container: Container) => void;
};

const MINUTE = 60_000;
/** Between two looks for a node with room. */
const PLACE_MS = 20_000;

export function createSimPool(options: SimPoolOptions): SimPool {
  const { timeline, trace, weather, draw, place, onStart, onEnd, onMade, onStop } = options;
  const { cards, nodes: machines } = place;
  const containers = new Map<WorkerId, Container>();
  const nodes = machines && createSimNodes(machines, () => containers.values());

  return {
    containers,
    living,
    exit,
    vanish: remove,
    revive(spec) {
      const container = make(spec, true);
      onMade(container);
      onStart(container, draw.between(1_000, 20_000));
      return container;
    },
    driver: {
      capabilities: {
        idempotentStart: true,
        namedCards: nodes === undefined && cards > 0,
        nodes: nodes !== undefined,
      },
      capacity: () => ({ total: cards, simulated: true, nodes: nodes?.view() }),
      start,
      inspect: (id) => stateOf(containers.get(id)),
      list: () => [...containers.keys()],
      ended: () =>
        [...containers.values()].filter((one) => stateOf(one).type === "exited").map(({ id }) => id),
      stop,
      logsTail: () => [],
    },
  };

  function start(spec: StartSpec): StartOutcome {
    const { workerId } = spec;
    if (containers.has(workerId)) return { type: "started" };
    if (weather.strikes("pool-unavailable", workerId)) {
      return { type: "unavailable", message: "the pool is away (injected)", retryAfterMs: undefined };
    }
    if (weather.strikes("start-refused", workerId)) {
      return { type: "refused", message: "no such image (injected)" };
    }
    const container = make(spec, false);
    onMade(container);
    bootOnce(container);
    // A program has no boot of its own to tell it from another: pools that start a container twice are not for it.
    if (spec.command === undefined && weather.strikes("started-twice", workerId)) startTwin(container);
    if (weather.strikes("start-lost", workerId))
      throw new PoolFault(`the answer to the start of ${workerId} was lost`);
    return { type: "started" };
  }

  /** Once a node has room. */
  function bootOnce(container: Container): void {
    if (nodes === undefined || nodes.place(container)) onStart(container, bootMsOf(container));
    else {
      timeline.after(PLACE_MS, () => {
        if (container.state === "alive") bootOnce(container);
      });
    }
  }

  function bootMsOf(container: Container): number | undefined {
    const { id } = container;
    if (weather.strikes("pull-failed", id)) {
      // Some pools end a container whose image cannot be pulled, some try for ever.
      if (draw.chance(0.5)) timeline.after(draw.between(1_000, MINUTE), () => exit(container, 125));
      return undefined;
    }
    if (weather.strikes("slow-start", id)) return draw.between(MINUTE, 18 * MINUTE);
    return draw.between(1_000, 20_000);
  }

  function make(spec: StartSpec, isRevenant: boolean): Container {
    const container: Container = {
      spec,
      id: spec.workerId,
      pool: place,
      node: undefined,
      startedAt: timeline.now(),
      state: "alive",
      end: undefined,
      stoppingUntil: undefined,
      isRevenant,
      twin: undefined,
    };
    containers.set(container.id, container);
    trace.note("pool", isRevenant ? "came-back" : "started", container.id, spec.slots.join());
    timeline.after(spec.limitMs, () => exit(container, 137));
    return container;
  }

  function startTwin(container: Container): void {
    const twin: Container = { ...container };
    container.twin = twin;
    onMade(twin);
    timeline.after(container.spec.limitMs, () => exit(twin, 137));
    onStart(twin, draw.between(1_000, 20_000));
  }

  function stop(id: WorkerId): "gone" | "stopping" {
    const container = containers.get(id);
    if (container === undefined) return "gone";
    terminate(container);
    if ((container.stoppingUntil ?? 0) > timeline.now()) return "stopping";
    trace.note("pool", "stopped", id);
    remove(container);
    if (weather.strikes("stop-lost", id)) throw new PoolFault(`the answer to the stop of ${id} was lost`);
    return "gone";
  }

  function terminate(container: Container): void {
    const alive = bothOf(container).filter((one) => one.state === "alive");
    for (const one of alive) onStop(one);
    if (alive.length > 0) wedge(container);
  }

  function remove(container: Container): void {
    containers.delete(container.id);
    for (const one of bothOf(container)) finish(one, "gone");
  }

  function wedge(container: Container): void {
    if (container.stoppingUntil !== undefined || !weather.strikes("wedged-stop", container.id)) return;
    container.stoppingUntil = timeline.now() + draw.between(5_000, 10 * MINUTE);
  }

  function exit(container: Container, code: number | undefined, result?: string): void {
    if (container.state !== "alive") return;
    container.end = { code, result };
    trace.note("pool", "exited", container.id, String(code));
    finish(container, "exited");
  }

  function finish(container: Container, state: "exited" | "gone"): void {
    const wasAlive = container.state === "alive";
    container.state = state;
    if (wasAlive) onEnd(container);
  }

  /** Of one that was started twice the one that lives: either may be the one that ended. */
  function living(): Container[] {
    return [...containers.values()].flatMap(
      (one) => bothOf(one).find(({ state }) => state === "alive") ?? [],
    );
  }
}

function stateOf(container: Container | undefined): ContainerState {
  if (container === undefined || container.state === "gone") return { type: "gone" };
  if (container.state !== "alive" && container.twin?.state !== "alive")
    return { type: "exited", code: container.end?.code, result: container.end?.result };
  const { node, pool, spec } = container;
  if (pool.nodes === undefined) return { type: "running", devices: spec.slots.map(String) };
  return node === undefined ? { type: "running", waits: "no node has room" } : { type: "running", node };
}

function bothOf(container: Container): Container[] {
  return container.twin === undefined ? [container] : [container, container.twin];
}
