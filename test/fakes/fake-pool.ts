// A pool in memory: containers are records that a test starts, ends, crashes and hangs by hand.
import type { EpochMs, WorkerId } from "../../shared/domain/ids.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { ContainerState, PoolDriver, StartOutcome, StartSpec } from "../../shared/ports/pool-driver.ts";

export type FakePoolOptions = {
  readonly cards: number;
  readonly clock: Clock;
  readonly simulated?: boolean;
  /** True: two living workers of one card index, or more cards than there are, are noted in `overbooked`. Default true. */
  readonly namedCards?: boolean;
  /** Called once per container that is made, before `start` answers: the place to play the worker's part. */
  readonly onStart?: (spec: StartSpec, pool: FakePool) => void;
};

export type FakePool = PoolDriver & {
  /** The spec of every container ever made, in order: a second `start` of one worker adds nothing. */
  readonly started: readonly StartSpec[];
  /** Every `stop` that reached the pool, in order. */
  readonly stops: readonly { readonly workerId: WorkerId; readonly graceMs: number; readonly at: EpochMs }[];
  /** Broken invariants: sentences, empty in a good run. */
  readonly overbooked: readonly string[];
  /** Workers whose container lives, in order of their start. */
  running(): WorkerId[];
  /** The worker ends by itself and leaves a result, if any. */
  exit(workerId: WorkerId, code: number, result?: string): void;
  /** The worker ends without a word; `reason`: what the pool knows of that, as of the kernel's OOM killer. */
  crash(workerId: WorkerId, reason?: string): void;
  /** Its machine or somebody else than the dispatcher has told it to end; it lives on in its grace. */
  tellToEnd(workerId: WorkerId, why: string): void;
  /** The container vanishes with everything it left, as by an operator or a lost node. */
  vanish(workerId: WorkerId): void;
  print(workerId: WorkerId, line: string): void;
  /** Every new `start` is refused, until `heal`. */
  refuse(message: string): void;
  /** The next new `start` is answered "cut-off". */
  cutOff(message: string): void;
  /** Every new `start` is answered "unavailable", until `heal`. */
  unavailable(message: string, retryAfterMs?: number): void;
  /** As `unavailable`, for the jobs of this owner alone. */
  unavailableFor(owner: string, message: string, retryAfterMs: number): void;
  /** It says that it has so many cards, whatever it has, until `heal`. */
  lie(total: number): void;
  /** Every call throws, until `heal`. */
  disconnect(): void;
  /** The next `start` makes its container, then throws. */
  loseNextStart(): void;
  /** The next `stop` does its work, then throws. */
  loseNextStop(): void;
  /** This worker does nothing on TERM: a stop answers "stopping" until the grace is over. */
  ignoreTerm(workerId: WorkerId): void;
  /** Stops of this worker answer "stopping", until `heal`. */
  hangOnStop(workerId: WorkerId): void;
  /** Takes back refuse, unavailable, unavailableFor, lie, disconnect and hangOnStop. */
  heal(): void;
};

type Container = {
  readonly spec: StartSpec;
  readonly startedAt: EpochMs;
  readonly log: string[];
  ending?: string;
  end:
    | { readonly code: number | undefined; readonly result: string | undefined; readonly reason?: string }
    | undefined;
};

export function createFakePool(options: FakePoolOptions): FakePool {
  const { cards, clock, simulated = false, namedCards = true } = options;
  const containers = new Map<WorkerId, Container>();
  const started: StartSpec[] = [];
  const stops: { workerId: WorkerId; graceMs: number; at: EpochMs }[] = [];
  const overbooked: string[] = [];
  const hanging = new Set<WorkerId>();
  const killAt = new Map<WorkerId, EpochMs>();
  let answer: StartOutcome | undefined;
  let once: StartOutcome | undefined;
  const shortOf = new Map<string, StartOutcome>();
  let lie: number | undefined;
  let connected = true;
  let lostStarts = 0;
  let lostStops = 0;

  const pool: FakePool = {
    capabilities: { idempotentStart: true, namedCards },
    started,
    stops,
    overbooked,

    async capacity() {
      reach();
      return { total: lie ?? cards, simulated };
    },
    async start(spec) {
      reach();
      if (!containers.has(spec.workerId)) {
        const no = once ?? answer ?? shortOf.get(spec.owner ?? "") ?? full(spec);
        once = undefined;
        if (no !== undefined) return no;
        make(spec);
      }
      if (lostStarts > 0) {
        lostStarts--;
        throw new Error(`the fake pool lost the answer to the start of ${spec.workerId}`);
      }
      return { type: "started" };
    },
    async inspect(workerId) {
      reach();
      return stateOf(containers.get(workerId));
    },
    async list() {
      reach();
      return [...containers.keys()];
    },
    async ended() {
      reach();
      return [...containers]
        .filter(([, container]) => container.end !== undefined)
        .map(([workerId]) => workerId);
    },
    async stop(workerId, graceMs) {
      reach();
      stops.push({ workerId, graceMs, at: clock.now() });
      if (containers.has(workerId) && (hanging.has(workerId) || hasGrace(workerId, graceMs)))
        return "stopping";
      containers.delete(workerId);
      if (lostStops > 0) {
        lostStops--;
        throw new Error(`the fake pool lost the answer to the stop of ${workerId}`);
      }
      return "gone";
    },
    async logsTail(workerId, lines) {
      reach();
      return lines > 0 ? (containers.get(workerId)?.log.slice(-lines) ?? []) : [];
    },

    running: () => living().map(([workerId]) => workerId),
    exit: (workerId, code, result) => end(workerId, { code, result }),
    crash: (workerId, reason) =>
      end(workerId, { code: undefined, result: undefined, ...(reason !== undefined && { reason }) }),
    tellToEnd: (workerId, why) => {
      known(workerId).ending = why;
    },
    vanish: (workerId) => void containers.delete(workerId),
    print: (workerId, line) => void known(workerId).log.push(line),
    refuse: (message) => {
      answer = { type: "refused", message };
    },
    cutOff: (message) => {
      once = { type: "cut-off", message };
    },
    unavailable: (message, retryAfterMs) => {
      answer = { type: "unavailable", message, retryAfterMs };
    },
    unavailableFor: (owner, message, retryAfterMs) =>
      void shortOf.set(owner, { type: "unavailable", message, retryAfterMs, of: "job" }),
    lie: (total) => {
      lie = total;
    },
    disconnect: () => {
      connected = false;
    },
    loseNextStart: () => {
      lostStarts++;
    },
    loseNextStop: () => {
      lostStops++;
    },
    ignoreTerm: (workerId) => void killAt.set(workerId, Number.POSITIVE_INFINITY),
    hangOnStop: (workerId) => void hanging.add(workerId),
    heal: () => {
      answer = undefined;
      shortOf.clear();
      lie = undefined;
      connected = true;
      hanging.clear();
    },
  };
  return pool;

  function reach(): void {
    if (!connected) throw new Error("the fake pool cannot be reached");
  }

  /** From the first stop on; a shorter one counts. */
  function hasGrace(workerId: WorkerId, graceMs: number): boolean {
    const before = killAt.get(workerId);
    if (before === undefined || stateOf(containers.get(workerId)).type !== "running") return false;
    const at = Math.min(before, clock.now() + graceMs);
    killAt.set(workerId, at);
    return clock.now() < at;
  }

  /** A pool that places containers itself queues or refuses what does not fit; a host does as it is told. */
  function full(spec: StartSpec): StartOutcome | undefined {
    if (namedCards || cardsInUse() + spec.cards <= cards) return undefined;
    return { type: "unavailable", message: "the fake pool is full", retryAfterMs: undefined };
  }

  function make(spec: StartSpec): void {
    if (namedCards) noteOverbooking(spec);
    containers.set(spec.workerId, { spec, startedAt: clock.now(), log: [], end: undefined });
    started.push(spec);
    options.onStart?.(spec, pool);
  }

  function known(workerId: WorkerId): Container {
    const container = containers.get(workerId);
    if (container === undefined) throw new Error(`the fake pool has no worker ${workerId}`);
    return container;
  }

  function end(workerId: WorkerId, how: NonNullable<Container["end"]>): void {
    known(workerId).end ??= how;
  }

  function stateOf(container: Container | undefined): ContainerState {
    if (container === undefined) return { type: "gone" };
    if (container.end !== undefined) return { type: "exited", ...container.end };
    const { startedAt, spec, ending } = container;
    if (clock.now() < startedAt + spec.limitMs) return { type: "running", slots: spec.slots, ending };
    return { type: "exited", code: undefined, result: undefined };
  }

  function living(): [WorkerId, Container][] {
    return [...containers].filter(([, container]) => stateOf(container).type === "running");
  }

  function cardsInUse(): number {
    return living().reduce((sum, [, { spec }]) => sum + spec.cards, 0);
  }

  function noteOverbooking(spec: StartSpec): void {
    const inUse = cardsInUse() + spec.cards;
    if (inUse > cards) overbooked.push(`${spec.workerId} makes it ${inUse} of ${cards} cards`);
    for (const [workerId, { spec: other }] of living()) {
      const shared = spec.slots.filter((slot) => other.slots.includes(slot));
      if (shared.length > 0)
        overbooked.push(`${spec.workerId} and ${workerId} both hold card ${shared.join()}`);
    }
    const outside = spec.slots.filter((slot) => slot < 0 || slot >= cards);
    if (outside.length > 0) overbooked.push(`${spec.workerId} asks for card ${outside.join()} of ${cards}`);
  }
}
