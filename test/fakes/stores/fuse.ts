// The end of a process at a chosen effect: every port is wrapped, the n-th effect blows the fuse, then nothing works.

/** `before`: the effect did not take place. `after`: it did, and nobody heard of it. */
export type FuseMoment = "before" | "after";

export type Fuse = {
  /** Effects so far: writes, pool calls and GitHub calls that change something or cost a call. */
  readonly count: number;
  readonly blown: boolean;
  /** Blows at the n-th effect from the beginning, 1-based. */
  arm(n: number, moment: FuseMoment): void;
  /** The process is started again; it does not blow a second time. */
  mend(): void;
  /** The same port, with every method behind the fuse. */
  wrap<Port extends object>(port: Port): Port;
};

class ProcessEnded extends Error {
  override readonly name = "ProcessEnded";
}

/** These only look; ending at one of them is the same as ending before the next effect. */
const READS: ReadonlySet<string> = new Set([
  "get",
  "heads",
  "unpaired",
  "live",
  "liveIds",
  "list",
  "due",
  "capacity",
  "inspect",
  "logsTail",
  "ended",
  "findRunner",
  "listRunners",
  "deliveries",
  "open",
]);

type Method = (...args: unknown[]) => Promise<unknown>;

export function createFuse(): Fuse {
  let count = 0;
  let blown = false;
  let armed: { readonly at: number; readonly moment: FuseMoment } | undefined;
  return {
    get count() {
      return count;
    },
    get blown() {
      return blown;
    },
    arm(at, moment) {
      armed = { at, moment };
    },
    mend() {
      blown = false;
      armed = undefined;
    },
    wrap,
  };

  function wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver);
        return typeof value === "function" ? fused(String(name), value.bind(target) as Method) : value;
      },
    });
  }

  function fused(name: string, method: Method): Method {
    if (READS.has(name)) {
      return async (...args) => {
        check(name);
        return method(...args);
      };
    }
    return async (...args) => {
      check(name);
      const mine = ++count;
      blowAt(mine, "before", name);
      const result = await method(...args);
      blowAt(mine, "after", name);
      return result;
    };
  }

  function blowAt(n: number, moment: FuseMoment, name: string): void {
    if (armed?.at !== n || armed.moment !== moment) return;
    blown = true;
    throw new ProcessEnded(`the process ended ${moment} effect ${n} (${name})`);
  }

  function check(name: string): void {
    if (blown) throw new ProcessEnded(`the process has ended (${name})`);
  }
}
