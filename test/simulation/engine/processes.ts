// The dispatcher's processes: each call to one meets a sandbox of it that serves nobody else, and any of them may end.
//
// In the cloud a sandbox is a process by itself. The one process serves all calls: they share its memory, and end with it.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Life } from "./port.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

export const PROCESSES = ["webhook", "dispatch", "reconcile", "api"] as const;
export type ProcessName = (typeof PROCESSES)[number];

export type Crash = {
  readonly process: ProcessName;
  /** It ends at this effect from now on. */
  readonly effects: number;
  readonly moment: "before" | "after";
};

export type Processes<Deps> = {
  /**
   * Rejects with Unreachable when it is away, ends meanwhile, or takes longer than `timeoutMs`; it may go on all the
   * same.
   */
  call<T>(process: ProcessName, timeoutMs: number, useCase: (deps: Deps) => Promise<T>): Promise<T>;
  arm(crash: Crash): void;
  readonly isArmed: boolean;
  /** Asked around an effect of the call that goes on. */
  endsAt(life: Life, moment: "before" | "after", what: string): boolean;
  /** Whose call goes on. */
  readonly current: Caller | undefined;
  /** Nothing answers for this long; what is under way ends. */
  goAway(ms: number): void;
  readonly isAway: boolean;
};

/** What a caller of ours meets: no answer. */
class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Serves one call at a time. */
export type Caller = {
  readonly process: ProcessName;
  readonly life: Life;
  /** So far. */
  calls: number;
};

type Sandbox<Deps> = Caller & {
  readonly deps: Deps;
  /** Told before the first wait of a call. */
  onWait: (() => void) | undefined;
  lose: ((error: Error) => void) | undefined;
};

export type ProcessesOptions<Deps> = {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly form: "single" | "cloud";
  readonly depsOf: (caller: Caller) => Deps;
  /** A call has failed. */
  readonly onError: (process: ProcessName, error: unknown) => void;
  readonly onCrash: (process: ProcessName) => void;
  /** Everything that was away is there again. */
  readonly onReturn: () => void;
};

/** Those that API Gateway calls. */
const TIMED: ReadonlySet<ProcessName> = new Set(["webhook", "api"]);
/** A process that has ended is there again after this. */
const RESTART_MS = 15_000;

export function createProcesses<Deps>(options: ProcessesOptions<Deps>): Processes<Deps> {
  const { timeline, trace, form, depsOf, onError, onCrash, onReturn } = options;
  const idle = new Map<ProcessName, Sandbox<Deps>[]>(PROCESSES.map((name) => [name, []]));
  const busy = new Set<Sandbox<Deps>>();
  const context = new AsyncLocalStorage<Sandbox<Deps>>();
  let shared = bornFor(busy);
  let fuse: { process: ProcessName; left: number; moment: "before" | "after" } | undefined;
  let awayUntil = 0;

  return {
    call,
    arm({ process, effects, moment }) {
      fuse = { process, left: effects, moment };
    },
    get isArmed() {
      return fuse !== undefined;
    },
    endsAt,
    get current() {
      return context.getStore();
    },
    goAway(ms) {
      endAll("the dispatcher went away");
      stayAway(ms);
    },
    get isAway() {
      return isAway();
    },
  };

  function isAway(): boolean {
    return timeline.now() < awayUntil;
  }

  function call<T>(process: ProcessName, timeoutMs: number, useCase: (deps: Deps) => Promise<T>): Promise<T> {
    if (isAway()) return Promise.reject(new Unreachable(`${process} does not answer`));
    const sandbox = idle.get(process)?.pop() ?? open(process);
    busy.add(sandbox);
    sandbox.calls++;
    // Their calls come with the time at which they were taken in.
    if (TIMED.has(process)) sandbox.life.onAnswer?.();
    const startedAt = timeline.now();
    sandbox.onWait = () => limit(sandbox, startedAt + timeoutMs);
    return new Promise<T>((resolve, reject) => {
      sandbox.lose = reject;
      context.run(sandbox, useCase, sandbox.deps).then(
        (answer) => {
          free(sandbox);
          resolve(answer);
        },
        (error: unknown) => {
          free(sandbox);
          onError(process, error);
          reject(error);
        },
      );
    });
  }

  /** Planned only once a call waits for something: most are over within their event. */
  function limit(sandbox: Sandbox<Deps>, at: number): void {
    // A time-out belongs to this call.
    const { calls } = sandbox;
    sandbox.onWait = undefined;
    timeline.at(at, () => {
      if (sandbox.calls === calls) sandbox.lose?.(new Unreachable(`${sandbox.process} took too long`));
    });
  }

  function open(process: ProcessName): Sandbox<Deps> {
    const own = new Set<Sandbox<Deps>>();
    const caller: Caller = { process, life: form === "single" ? shared : bornFor(own), calls: 0 };
    const sandbox = Object.assign(caller, { deps: depsOf(caller), onWait: undefined, lose: undefined });
    own.add(sandbox);
    return sandbox;
  }

  function free(sandbox: Sandbox<Deps>): void {
    busy.delete(sandbox);
    sandbox.lose = undefined;
    sandbox.onWait = undefined;
    if (!sandbox.life.isOver) idle.get(sandbox.process)?.push(sandbox);
  }

  function endsAt(life: Life, moment: "before" | "after", what: string): boolean {
    const sandbox = context.getStore();
    if (fuse === undefined || fuse.moment !== moment || fuse.process !== sandbox?.process) return false;
    fuse.left--;
    if (fuse.left > 0) return false;
    fuse = undefined;
    trace.note(sandbox.process, "crashed", moment, what);
    if (form === "single") {
      endAll("the process ended");
      stayAway(RESTART_MS);
    } else end(sandbox, "the process ended");
    life.isOver = true;
    onCrash(sandbox.process);
    return true;
  }

  function endAll(why: string): void {
    for (const one of busy) end(one, why);
    if (form !== "single") return;
    // What it knew is gone with it.
    shared.isOver = true;
    shared = bornFor(busy);
    for (const sandboxes of idle.values()) sandboxes.length = 0;
  }

  function stayAway(ms: number): void {
    awayUntil = Math.max(awayUntil, timeline.now() + ms);
    timeline.after(ms, () => {
      if (!isAway()) onReturn();
    });
  }

  function end(sandbox: Sandbox<Deps>, why: string): void {
    sandbox.life.isOver = true;
    busy.delete(sandbox);
    sandbox.lose?.(new Unreachable(why));
  }
}

/** Before any of these calls waits, each is given its time limit. */
function bornFor(calls: ReadonlySet<{ onWait: (() => void) | undefined }>): Life {
  return {
    isOver: false,
    onAnswer: undefined,
    onWait() {
      for (const call of calls) call.onWait?.();
    },
  };
}
