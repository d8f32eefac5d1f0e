// The ports of one process over the simulated world: each call may be slow, fail, lose its answer, or be the process's
// last.
import type { PoolName } from "../../../shared/domain/ids.ts";
import type { ApiStores } from "../../../shared/ports/api-store.ts";
import type { CallbackSender } from "../../../shared/ports/callback-sender.ts";
import type { Github } from "../../../shared/ports/github.ts";
import type { PoolDriver } from "../../../shared/ports/pool-driver.ts";
import { StoreError, type Stores } from "../../../shared/ports/store.ts";
import type { Pace } from "../plan/planned.ts";
import type { Draw } from "./draw.ts";
import { createFarCalls } from "./far-calls.ts";
import type { Life, Method, Port } from "./port.ts";
import { never, portsIn, portsOf } from "./port.ts";
import type { Synchronous } from "./synchronous.ts";
import type { Table } from "./table.ts";
import type { Timeline } from "./timeline.ts";
import type { Weather } from "./weather.ts";

export type Ports = {
  readonly stores: Stores;
  readonly apiStores: ApiStores;
  readonly github: Github;
  readonly callbacks: CallbackSender;
  readonly pools: ReadonlyMap<PoolName, PoolDriver>;
};

export type PortsOptions = {
  readonly table: Table;
  readonly github: Synchronous<Github>;
  readonly pools: ReadonlyMap<PoolName, Synchronous<PoolDriver>>;
  readonly callbacks: Synchronous<CallbackSender>;
  readonly weather: Weather;
  readonly timeline: Timeline;
  readonly draw: Draw;
  /** Of the store's answers; undefined: all come at once. */
  readonly pace: Pace | undefined;
  /** Each call that would write, also one that loses its race or its answer. */
  readonly onWrite: (name: string) => void;
  /** A crash is planned: every effect is counted. */
  readonly isArmed: () => boolean;
  /** Asked around each effect: has the process just ended there? */
  readonly endsAt: (life: Life, moment: "before" | "after", what: string) => boolean;
};

const POOL_EFFECTS: ReadonlySet<string> = new Set(["start", "stop"]);
/** A listing shows what was true at most this long ago. */
const STALE_MS = 60_000;
/** Longest stop of a process between two effects, as of a frozen function. */
const SLOW_MS = 45_000;

export function createPortsOf(options: PortsOptions): (life: Life) => Ports {
  const { table, github, pools, callbacks, weather, timeline, draw, pace, onWrite, isArmed, endsAt } =
    options;
  const { callFar, callSlow } = createFarCalls({ weather, timeline, draw, wait, endsAt });
  const listed = new Map<string, { readonly at: number; readonly answer: unknown }>();
  const { api, all: _all, forgetWorker: _forget, ...stores } = table;
  const { wrote: _wrote, ...apiStores } = api;
  const storePorts = portsIn(stores);
  const apiPorts = portsIn(apiStores);
  const githubPorts = portsOf("github", github, () => "far");
  const callbackPorts = portsOf("callbacks", { send: callbacks.send }, () => "far");
  const poolPorts = [...pools].map(
    ([name, pool]) =>
      [name, pool, portsOf("pool", pool, (method) => (POOL_EFFECTS.has(method) ? "far" : "look"))] as const,
  );
  return (life) => ({
    stores: wrapAll(life, storePorts) as Stores,
    apiStores: wrapAll(life, apiPorts) as ApiStores,
    github: wrap(life, githubPorts) as Github,
    callbacks: { refusal: callbacks.refusal, ...wrap(life, callbackPorts) } as CallbackSender,
    pools: new Map(
      poolPorts.map(([name, { capabilities }, ports]) => [
        name,
        { ...wrap(life, ports), capabilities } as PoolDriver,
      ]),
    ),
  });

  function wrapAll(life: Life, all: readonly (readonly [string, readonly Port[]])[]): object {
    const wrapped: { [name: string]: object } = {};
    for (const [name, ports] of all) wrapped[name] = wrap(life, ports);
    return wrapped;
  }

  function wrap(life: Life, ports: readonly Port[]): object {
    const wrapped: { [method: string]: Method } = {};
    for (const port of ports) {
      if (port.kind === "far") wrapped[port.call] = (...args) => callFar(life, port, args);
      else {
        // No rest arguments where the most calls are: it halves their cost.
        const callNear = port.kind === "look" ? callAtOnce : callStore;
        wrapped[port.call] = (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) =>
          callNear(life, port, a, b, c, d, e);
      }
    }
    return wrapped;
  }

  function callStore(
    life: Life,
    port: Port,
    a: unknown,
    b: unknown,
    c: unknown,
    d: unknown,
    e: unknown,
  ): Promise<unknown> {
    if (port.kind === "write" || port.kind === "replace") onWrite(port.name);
    if (weather.isCalm && pace === undefined && !isArmed()) return callAtOnce(life, port, a, b, c, d, e);
    const ms = delayOf(port);
    const args = [a, b, c, d, e];
    return ms === 0
      ? callInTrouble(life, port, args)
      : wait(life, ms).then(() => callInTrouble(life, port, args));
  }

  function callAtOnce(
    life: Life,
    port: Port,
    a: unknown,
    b: unknown,
    c: unknown,
    d: unknown,
    e: unknown,
  ): Promise<unknown> {
    if (life.isOver) return never();
    if (port.kind === "look" && weather.strikes("pool-slow", port.name))
      return callSlow(life, port, "pool-slow", [a, b, c, d, e]);
    try {
      const answer = port.method(a, b, c, d, e);
      if (port.kind !== "look") life.onAnswer?.();
      return Promise.resolve(answer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  function callInTrouble(life: Life, port: Port, args: readonly unknown[]): Promise<unknown> {
    if (life.isOver || endsBefore(life, port)) return never();
    try {
      const answer = answerInTrouble(life, port, args);
      life.onAnswer?.();
      return Promise.resolve(answer);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  function answerInTrouble(life: Life, port: Port, args: readonly unknown[]): unknown {
    if (weather.strikes("store-fault", port.name)) throw fault(`The store did not answer ${port.name}`);
    if (port.kind === "replace" && weather.strikes("store-race", port.name)) port.overtake?.(args[0]);
    if (port.kind === "listing") return list(port, args);
    return port.kind === "read" ? port.method(...args) : answered(life, port, port.method(...args));
  }

  function delayOf(port: Port): number {
    // Not all of them: what is answered at once meets what is not.
    const ms = pace !== undefined && draw.chance(pace.share) ? draw.between(...pace.ms) : 0;
    return weather.strikes("store-slow", port.name) ? ms + draw.between(50, SLOW_MS) : ms;
  }

  function endsBefore(life: Life, { kind, name }: Port): boolean {
    return (kind === "write" || kind === "replace") && endsAt(life, "before", name);
  }

  function answered(life: Life, port: Port, answer: unknown): unknown {
    if (endsAt(life, "after", port.name)) return never();
    if (weather.strikes("store-lost-answer", port.name)) throw fault(`The answer of ${port.name} was lost`);
    return answer;
  }

  function list(port: Port, args: readonly unknown[]): unknown {
    const key = `${port.name} ${JSON.stringify(port.name === "due.due" ? [] : args)}`;
    const older = listed.get(key);
    const answer = port.method(...args);
    const isUsable = older !== undefined && timeline.now() - older.at <= STALE_MS;
    if (isUsable && weather.strikes("store-stale", port.name)) return older.answer;
    listed.set(key, { at: timeline.now(), answer });
    return answer;
  }

  function wait(life: Life, ms: number): Promise<void> {
    life.onWait();
    return timeline.pause(ms);
  }
}

function fault(what: string): StoreError {
  return new StoreError(`${what} (injected)`, { retryable: true });
}
