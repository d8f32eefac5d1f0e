// Where containers run. A driver talks to one kind of pool; it knows workers by their id and decides nothing.
import type { WorkerId } from "../domain/ids.ts";
import type { AvoidedNodes } from "../domain/pool/node-trouble.ts";
import type { PoolNode, RestingNode } from "../domain/pool/pool.ts";
import type { WaitsFor } from "../domain/waiting/wait-view.ts";

export type StartSpec = {
  readonly workerId: WorkerId;
  readonly endpoint: string;
  readonly tenant: string;
  /** Login of the owner and name of the repository that it is started for, where known: for namespaces and labels. */
  readonly owner?: string | undefined;
  readonly repository?: string | undefined;
  readonly cards: number;
  /** Card indices where `capabilities.namedCards`, else empty. */
  readonly slots: readonly number[];
  readonly image: string | undefined;
  /** Program and arguments instead of our worker; never through a shell. */
  readonly command: readonly string[] | undefined;
  /** Linux capabilities beside those that the pool gives to all; absent: none. */
  readonly capabilities?: readonly string[] | undefined;
  /** The worker's environment: URLs, its id, its token. Drivers add devices and nothing else. */
  readonly env: { readonly [name: string]: string };
  /** Hard limit of the container's life, ms from its start. */
  readonly limitMs: number;
  /** Nodes whose cards are in trouble, or kept for another, where `capabilities.nodes`. */
  readonly avoid?: AvoidedNodes | undefined;
  /** The node on which its cards were counted: the first choice among those that are not to be avoided. */
  readonly prefer?: string | undefined;
};

export type StartOutcome =
  | { readonly type: "started" }
  /** Trying again the same way cannot help: a missing image, a setting, a quota that forbids it. */
  | { readonly type: "refused"; readonly message: string }
  /** An earlier start of this worker id was cut off by a crash and cannot be taken up: the job needs a new worker, now. */
  | { readonly type: "cut-off"; readonly message: string }
  /** The pool is full, slow or away. Nothing was started, or what was started is found by the next `start`. */
  | {
      readonly type: "unavailable";
      readonly message: string;
      readonly retryAfterMs: number | undefined;
      /**
       * It concerns only such jobs (an image's registry), or this tenant's: others start meanwhile. Absent: the whole
       * pool.
       */
      readonly of?: "job" | "tenant";
      /** There is no room: one of our own workers that goes may make some, before `retryAfterMs` is over. */
      readonly full?: true;
      /** This start has made nothing that would have to be taken down. */
      readonly madeNothing?: true;
    };

/** Where a container is or was, as far as the pool can say. */
export type ContainerPlace = {
  readonly node?: string | undefined;
  /** Card indices that it was started with, where `capabilities.namedCards`. */
  readonly slots?: readonly number[] | undefined;
  /** Physical ids of the cards that it was really given; those of its slots in the same order. */
  readonly devices?: readonly string[] | undefined;
};

export type ContainerState =
  | ({
      readonly type: "running";
      /** It has not started yet: what it waits for, in a sentence (a node, an image, a queue). */
      readonly waits?: string | undefined;
      /** The kind of it, where it is known. */
      readonly waitsFor?: WaitsFor | undefined;
      /** Who has told it to end, where that was not its dispatcher: as `reason` of one that has exited. */
      readonly ending?: string | undefined;
    } & ContainerPlace)
  /** Ended by itself; `result` is what the worker left when it could not report (its job-done body, JSON text). */
  | ({
      readonly type: "exited";
      readonly code: number | undefined;
      readonly result: string | undefined;
      /**
       * What ended it, where that was not its own program: out of memory, evicted, its node lost. Reads after "its
       * container …", says what to do, and has no full stop.
       */
      readonly reason?: string | undefined;
    } & ContainerPlace)
  | { readonly type: "gone" };

export type PoolCapacity = {
  readonly total: number;
  readonly simulated: boolean;
  /** Where the pool has nodes: a worker must fit on one of them. */
  readonly nodes?: readonly PoolNode[] | undefined;
  /** Of its nodes, those that take nothing now. */
  readonly resting?: readonly RestingNode[] | undefined;
};
export type PoolDriver = {
  readonly capabilities: {
    /** `start` with the same worker id never makes a second container. */
    readonly idempotentStart: boolean;
    /** The dispatcher names the cards by index. */
    readonly namedCards: boolean;
    /** `capacity` tells nodes: asked once per pass. */
    readonly nodes?: boolean;
  };
  /** Cards that exist, as far as the pool can say; advisory. */
  capacity(): Promise<PoolCapacity>;
  start(spec: StartSpec): Promise<StartOutcome>;
  inspect(workerId: WorkerId): Promise<ContainerState>;
  /** Workers of this dispatcher that the pool has, ended ones too, until they are stopped. */
  list(): Promise<WorkerId[]>;
  /** Those of them whose container has ended by itself: one call, so that a crash need not wait for a missed heartbeat. */
  ended(): Promise<WorkerId[]>;
  /**
   * Hears of such ends at once, where the pool tells: for a process that stays. It never fails, and is silent while the
   * pool is away: what it misses is in `ended`.
   */
  watch?(onEnd: (workerId: WorkerId) => void): { stop(): void };
  /**
   * TERM, `graceMs`, KILL, then removes what is left (work folder, container). Idempotent; unknown is `gone`.
   * `stopping`: not yet gone after a moment, ask again; its cards must not be given away. Nobody is kept for the grace:
   * the end goes on beside, and a call that comes again is answered at once.
   */
  stop(workerId: WorkerId, graceMs: number): Promise<"gone" | "stopping">;
  /** The last `lines` of its output; empty when nothing is known. */
  logsTail(workerId: WorkerId, lines: number): Promise<string[]>;
};
