// The dispatcher as it is deployed: its processes with their ports and clocks, the stream between them, and the minute's
// pass.
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { Log, LogFields } from "../../shared/ports/log.ts";
import { StoreError } from "../../shared/ports/store.ts";
import type { ApiDeps } from "../../shared/usecases/client-plane/api-deps.ts";
import { handleChange, setsInMotion } from "../../shared/usecases/handle-change.ts";
import { receiveDelivery } from "../../shared/usecases/intake/receive-delivery.ts";
import { reconcile } from "../../shared/usecases/reconcile/reconcile.ts";
import { recover } from "../../shared/usecases/reconcile/recover.ts";
import { createFakeSeal } from "../fakes/fake-seal.ts";
import { createClocks } from "./engine/clocks.ts";
import type { Life } from "./engine/port.ts";
import type { Ports } from "./engine/ports.ts";
import { createPortsOf } from "./engine/ports.ts";
import type { Caller, Crash, ProcessName } from "./engine/processes.ts";
import { createProcesses } from "./engine/processes.ts";
import type { Stream } from "./engine/stream.ts";
import { createStream } from "./engine/stream.ts";
import { createCallEyes } from "./eyes/call-eyes.ts";
import type { Ground } from "./ground.ts";
import type { Outside } from "./outside/outside.ts";
import type { SimClients } from "./outside/sim-clients.ts";
import type { Pace, Plan } from "./plan/planned.ts";
import { catalogueOf, DEPLOYMENT, poolsOf } from "./scenery.ts";

export type Dispatcher = {
  readonly stream: Stream;
  receive(word: WorkflowJobWord, timeoutMs: number): Promise<unknown>;
  call<T>(process: ProcessName, timeoutMs: number, useCase: (deps: ApiDeps) => Promise<T>): Promise<T>;
  arm(crash: Crash): void;
  goAway(ms: number): void;
  readonly isAway: boolean;
  /** Calls of the store that would write, by their names. */
  readonly writes: ReadonlyMap<string, number>;
  /** One pass of the reconciler; it may be cut off. */
  reconcile(): void;
};

/** Those that make dispatch passes. */
const DECIDING: ReadonlySet<ProcessName> = new Set(["dispatch", "reconcile"]);
const SLOWER = 0.3;
/** Lambda ends a function by then. */
const FUNCTION_MS = 120_000;

export function createDispatcher(
  ground: Ground,
  outside: Outside,
  clients: Pick<SimClients, "receiver">,
): Dispatcher {
  const { plan, scene, trace, weather, watch, table, drawFor } = ground;
  const places = poolsOf(scene);
  const catalogue = catalogueOf(places);
  const writes = new Map<string, number>();
  const clocks = createClocks(ground);
  const memories = new WeakMap<Life, Ports>();
  const eyes = createCallEyes({
    tenants: scene.tenants,
    pools: places,
    poolOf: (id) => table.all.jobs.get(id)?.pool,
    onDecision: watch.decision,
    current: () => processes.current,
  });
  let opened = 0;
  const portsOf = createPortsOf({
    ...ground,
    github: outside.calls.api,
    pools: new Map([...outside.pools].map(([name, { driver }]) => [name, driver])),
    callbacks: clients.receiver,
    draw: drawFor("ports"),
    pace: paceOf(plan),
    onWrite: (name) => void writes.set(name, (writes.get(name) ?? 0) + 1),
    isArmed: () => processes.isArmed,
    endsAt: (life, moment, what) => processes.endsAt(life, moment, what),
  });
  const processes = createProcesses<ApiDeps>({
    ...ground,
    form: plan.form,
    depsOf,
    onError(process, error) {
      if (isMistake(error)) watch.broken("unexpected-error", `${process}: ${describe(error)}`);
    },
    onCrash(process) {
      weather.count("crash", process);
      if (plan.form === "single") stream.drop();
    },
    // A single process takes up what the one before it left half done.
    onReturn() {
      if (plan.form !== "single") return;
      clocks.restart();
      background((deps) => recover(deps));
    },
  });
  const stream = createStream({
    ...ground,
    form: plan.form,
    draw: drawFor("stream"),
    concerns: setsInMotion,
    handle: (change) => processes.call("dispatch", FUNCTION_MS, (deps) => handleChange(deps, change)),
  });
  return {
    stream,
    writes,
    receive: (word, timeoutMs) => processes.call("webhook", timeoutMs, (deps) => receiveDelivery(deps, word)),
    call: processes.call,
    arm: processes.arm,
    goAway(ms) {
      if (plan.form === "single") stream.drop();
      processes.goAway(ms);
    },
    get isAway() {
      return processes.isAway;
    },
    reconcile: () => background((deps) => reconcile(deps)),
  };

  function background(useCase: (deps: ApiDeps) => Promise<unknown>): void {
    processes
      .call("reconcile", FUNCTION_MS, useCase)
      .catch((error: unknown) =>
        trace.note("reconcile", "failed", "", error instanceof Error ? error.message : String(error)),
      );
  }

  function depsOf(caller: Caller): ApiDeps {
    opened++;
    const { process, life } = caller;
    const { stores, apiStores, github, callbacks, pools } = ownPorts(life);
    const clock = clocks.of(process, opened);
    life.onAnswer = clock.hear;
    // It has read the table's name for this deployment by now.
    if (process !== "webhook") clock.hear?.();
    const random = drawFor(`${process}-${opened}`);
    return {
      stores,
      apiStores,
      callbacks,
      seal: createFakeSeal(),
      clock,
      pause: (ms) => ground.timeline.pause(ms),
      random: DECIDING.has(process) ? eyes.look(caller, { now: clock.now, random }) : random,
      log: logOf(process),
      github,
      pools: new Map(
        places.flatMap(({ name, maxWorkers }) => {
          const driver = pools.get(name);
          return driver === undefined ? [] : [[name, { name, driver, maxWorkers }] as const];
        }),
      ),
      catalogue,
      tenants: scene.tenants,
      deployment: DEPLOYMENT,
      githubUrl: "https://github.com",
      storage: { bytesPerTenant: 1_000_000_000, isDiskLow: () => false },
      workerEnv: (worker) => ({ RUNPOD_POD_ID: worker.id }),
    };
  }

  /** A process has its ports once: what it remembers goes by them. */
  function ownPorts(life: Life): Ports {
    const known = memories.get(life);
    if (known !== undefined) return known;
    const ports = portsOf(life);
    const own = { ...ports, stores: eyes.watched(ports.stores) };
    memories.set(life, own);
    return own;
  }

  function logOf(process: ProcessName): Log {
    const line = (event: string, fields: LogFields = {}): void => {
      watch.seen(`the log line ${event}`, fields);
      trace.note(process, event, fields.worker ?? fields.job ?? "", fields.reason ?? fields.message ?? "");
    };
    return { debug: line, info: line, warn: line, error: line };
  }
}

/** A store that is slow all day is so for some of its answers: what is answered at once meets what is not. */
function paceOf({ pace, storeMs }: Plan): Pace | undefined {
  return pace ?? (storeMs === 0 ? undefined : { share: SLOWER, ms: [1, storeMs] });
}

/** A mistake of the program; everything else is what the world does to us. */
function isMistake(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isMistake);
  if (error instanceof StoreError) return !error.retryable;
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((mistake) => error instanceof mistake);
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join("; ");
  return error instanceof Error ? `${error.stack ?? error.message}` : String(error);
}
