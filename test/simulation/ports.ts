// The ports of one process over the simulated world: each call may be slow, fail, lose its answer, or be the process's last.
import type { Github } from "../../shared/ports/github.ts";
import type { PoolDriver } from "../../shared/ports/pool-driver.ts";
import { StoreError, type Stores } from "../../shared/ports/store.ts";
import type { Draw } from "./draw.ts";
import type { Table } from "./table.ts";
import type { Timeline } from "./timeline.ts";
import type { Weather } from "./weather.ts";

/** One process that serves one call at a time. */
export type Life = {
  isOver: boolean;
  /** Told before the first wait of a call. */
  onWait: (() => void) | undefined;
};

export type Ports = { readonly stores: Stores; readonly github: Github; readonly pool: PoolDriver };

/** The same methods, answering at once. */
export type Synchronous<Port> = {
  readonly [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : Port[Name];
};

export type PortsOptions = {
  readonly table: Table;
  readonly github: Synchronous<Github>;
  readonly pool: Synchronous<PoolDriver>;
  readonly weather: Weather;
  readonly timeline: Timeline;
  readonly draw: Draw;
  /** Longest answer of the store, ms. */
  readonly storeMs: number;
  /** A crash is planned: every effect is counted. */
  readonly isArmed: () => boolean;
  /** Asked around each effect: has the process just ended there? */
  readonly endsAt: (life: Life, moment: "before" | "after", what: string) => boolean;
};

type Kind = "read" | "listing" | "write" | "replace" | "far" | "look";
type Method = (...args: readonly unknown[]) => unknown;
type Port = {
  readonly kind: Kind;
  readonly name: string;
  readonly method: Method;
  readonly overtake: Method | undefined;
};

const KINDS: { readonly [method: string]: Kind | undefined } = {
  get: "read",
  heads: "listing",
  live: "listing",
  list: "listing",
  due: "listing",
  replace: "replace",
};
const POOL_EFFECTS: ReadonlySet<string> = new Set(["start", "stop"]);
/** A listing shows what was true at most this long ago. */
const STALE_MS = 60_000;
/** Longest stop of a process between two effects, as of a frozen function. */
const SLOW_MS = 45_000;
/** Pools and GitHub answer within this time. */
const FAR_MS = 1_500;

export function createPortsOf(options: PortsOptions): (life: Life) => Ports {
  const { table, github, pool, weather, timeline, draw, storeMs, isArmed, endsAt } = options;
  const listed = new Map<string, { readonly at: number; readonly answer: unknown }>();
  const stores = Object.entries(table).filter(([name]) => name !== "all" && name !== "forgetWorker");
  return (life) => ({
    stores: Object.fromEntries(
      stores.map(([name, core]) => [name, wrap(life, name, core, (method) => KINDS[method] ?? "write")]),
    ) as Stores,
    github: wrap(life, "github", github, () => "far") as Github,
    pool: {
      ...wrap(life, "pool", pool, (method) => (POOL_EFFECTS.has(method) ? "far" : "look")),
      capabilities: pool.capabilities,
    } as PoolDriver,
  });

  function wrap(life: Life, store: string, core: object, kindOf: (method: string) => Kind): object {
    const methods = Object.entries(core).filter(([, method]) => typeof method === "function");
    const { overtake } = core as { overtake?: Method };
    return Object.fromEntries(
      methods.map(([name, method]) => {
        const port: Port = {
          kind: kindOf(name),
          name: `${store}.${name}`,
          method: method as Method,
          overtake,
        };
        if (port.kind === "far") return [name, (...args: unknown[]) => callFar(life, port, args)];
        // No rest arguments where the most calls are: it halves their cost.
        const callNear = port.kind === "look" ? callAtOnce : callStore;
        return [name, (a: unknown, b: unknown, c: unknown) => callNear(life, port, a, b, c)];
      }),
    );
  }

  function callStore(life: Life, port: Port, a: unknown, b: unknown, c: unknown): Promise<unknown> {
    const isInTrouble = !weather.isCalm || storeMs > 0 || isArmed();
    return isInTrouble ? callInTrouble(life, port, [a, b, c]) : callAtOnce(life, port, a, b, c);
  }

  function callAtOnce(life: Life, port: Port, a: unknown, b: unknown, c: unknown): Promise<unknown> {
    if (life.isOver) return never();
    try {
      return Promise.resolve(port.method(a, b, c));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async function callInTrouble(life: Life, port: Port, args: readonly unknown[]): Promise<unknown> {
    await delay(life, port);
    if (life.isOver || endsBefore(life, port)) return never();
    if (weather.strikes("store-fault", port.name)) throw fault(`The store did not answer ${port.name}`);
    if (port.kind === "replace" && weather.strikes("store-race", port.name)) port.overtake?.(args[0]);
    if (port.kind === "listing") return list(port, args);
    return port.kind === "read" ? port.method(...args) : answered(life, port, port.method(...args));
  }

  async function delay(life: Life, port: Port): Promise<void> {
    if (storeMs > 0) await wait(life, draw.between(0, storeMs));
    if (weather.strikes("store-slow", port.name)) await wait(life, draw.between(50, SLOW_MS));
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
    life.onWait?.();
    return timeline.pause(ms);
  }

  /** Its effect comes in the middle: others go on before and after it. */
  async function callFar(life: Life, port: Port, args: readonly unknown[]): Promise<unknown> {
    await wait(life, draw.between(20, FAR_MS));
    if (life.isOver || endsAt(life, "before", port.name)) return never();
    const answer = port.method(...args);
    await wait(life, draw.between(20, FAR_MS));
    return life.isOver || endsAt(life, "after", port.name) ? never() : answer;
  }
}

/** A process that has ended hears no answer. */
function never(): Promise<never> {
  return new Promise(() => {});
}

function fault(what: string): StoreError {
  return new StoreError(`${what} (injected)`, { retryable: true });
}
