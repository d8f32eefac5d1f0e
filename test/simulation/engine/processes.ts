// The dispatcher's processes: each call to one meets a sandbox of it that serves nobody else, and any of them may end.
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
  /** Rejects with Unreachable when it is away, ends meanwhile, or takes longer than `timeoutMs`; it may go on all the same. */
  call<T>(process: ProcessName, timeoutMs: number, useCase: (deps: Deps) => Promise<T>): Promise<T>;
  arm(crash: Crash): void;
  readonly isArmed: boolean;
  endsAt(life: Life, moment: "before" | "after", what: string): boolean;
  /** Nothing answers for this long; what is under way ends. */
  goAway(ms: number): void;
  readonly isAway: boolean;
};

/** What a caller of ours meets: no answer. */
class Unreachable extends Error {
  override readonly name = "Unreachable";
}

type Sandbox<Deps> = Life & {
  readonly process: ProcessName;
  readonly deps: Deps;
  lose: ((error: Error) => void) | undefined;
};

export type ProcessesOptions<Deps> = {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly form: "single" | "cloud";
  readonly depsOf: (process: ProcessName, life: Life) => Deps;
  /** A call has failed. */
  readonly onError: (process: ProcessName, error: unknown) => void;
  readonly onCrash: (process: ProcessName) => void;
  /** Everything that was away is there again. */
  readonly onReturn: () => void;
};

/** A process that has ended is there again after this. */
const RESTART_MS = 15_000;

export function createProcesses<Deps>(options: ProcessesOptions<Deps>): Processes<Deps> {
  const { timeline, trace, form, depsOf, onError, onCrash, onReturn } = options;
  const idle = new Map<ProcessName, Sandbox<Deps>[]>(PROCESSES.map((name) => [name, []]));
  const busy = new Set<Sandbox<Deps>>();
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
    goAway(ms) {
      for (const sandbox of busy) end(sandbox, "the dispatcher went away");
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
    const startedAt = timeline.now();
    sandbox.onWait = () => limit(sandbox, startedAt + timeoutMs);
    return new Promise<T>((resolve, reject) => {
      sandbox.lose = reject;
      useCase(sandbox.deps).then(
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
    const life: Life = { isOver: false, calls: 0, onWait: undefined };
    return Object.assign(life, { process, deps: depsOf(process, life), lose: undefined });
  }

  function free(sandbox: Sandbox<Deps>): void {
    busy.delete(sandbox);
    sandbox.lose = undefined;
    sandbox.onWait = undefined;
    if (!sandbox.isOver) idle.get(sandbox.process)?.push(sandbox);
  }

  function endsAt(life: Life, moment: "before" | "after", what: string): boolean {
    const sandbox = life as Sandbox<Deps>;
    if (fuse === undefined || fuse.moment !== moment || fuse.process !== sandbox.process) return false;
    fuse.left--;
    if (fuse.left > 0) return false;
    fuse = undefined;
    trace.note(sandbox.process, "crashed", moment, what);
    if (form === "single") {
      for (const one of busy) end(one, "the process ended");
      stayAway(RESTART_MS);
    } else end(sandbox, "the process ended");
    onCrash(sandbox.process);
    return true;
  }

  function stayAway(ms: number): void {
    awayUntil = Math.max(awayUntil, timeline.now() + ms);
    timeline.after(ms, () => {
      if (!isAway()) onReturn();
    });
  }

  function end(sandbox: Sandbox<Deps>, why: string): void {
    sandbox.isOver = true;
    busy.delete(sandbox);
    sandbox.lose?.(new Unreachable(why));
  }
}
