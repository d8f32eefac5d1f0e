// Lambda's rules on this machine: a sandbox per event at work, frozen between events, thrown away at any time.
import { randomUUID } from "node:crypto";
import { seeded } from "../github/seeded.ts";
import { type Freezes, type Outcome, type Sandbox, startSandbox } from "./sandbox.ts";

type FunctionSpec = {
  /** Path of the built bundle. */
  readonly bundle: string;
  /** All that reaches it, beside Lambda's own variables. */
  readonly env: { readonly [name: string]: string };
  readonly timeoutMs: number;
  /** Events at once; undefined: no limit. */
  readonly concurrency?: number | undefined;
};

export type FunctionStats = {
  readonly invocations: number;
  readonly coldStarts: number;
  /** Rejected, crashed or timed out. */
  readonly failures: number;
  readonly throttles: number;
  /** Connections that were dead after a freeze, and how often something was written to one of them. */
  readonly deadConnections: number;
  readonly deadWrites: number;
};

export type Invocation = Outcome | { readonly type: "throttled" };

export type Lambda = {
  /** Never rejects. */
  invoke(name: string, event: unknown): Promise<Invocation>;
  /** Process ids of the sandboxes that are there. */
  pids(name: string): number[];
  stats(): { readonly [name: string]: FunctionStats };
  /** Kills every sandbox; resolves when all are gone. */
  stop(): Promise<void>;
};

export type LambdaOptions<Name extends string = string> = {
  readonly functions: { readonly [name in Name]: FunctionSpec };
  readonly seed: number;
  /** On average one sandbox in so many events is thrown away after it; undefined: none. */
  readonly coldStartEvery?: number | undefined;
  readonly freezes?: Partial<Freezes> | undefined;
  /** As findRic() answers it. */
  readonly ric?: string | undefined;
  readonly log?: ((name: string, line: string) => void) | undefined;
};

/** Sooner than anything between a function and a server is known to forget a connection (Node's servers: 5 s). */
const FREEZES: Freezes = { deadAfterMs: 5_000, silentShare: 0.5 };

export function startLambda(options: LambdaOptions): Lambda {
  const chance = seeded(options.seed);
  const states = new Map(Object.entries(options.functions).map(([name, spec]) => [name, newState(spec)]));
  let stopped = false;

  async function invoke(name: string, event: unknown): Promise<Invocation> {
    const state = states.get(name);
    if (state === undefined) throw new RangeError(`there is no function "${name}"`);
    if (stopped || state.busy.size >= (state.spec.concurrency ?? Number.POSITIVE_INFINITY)) {
      state.stats.throttles++;
      return { type: "throttled" };
    }
    const sandbox = state.idle.pop() ?? startFresh(name, state);
    state.busy.add(sandbox);
    state.stats.invocations++;
    // Drawn before the wait, so that the order of answers does not change what a seed does.
    const recycled = options.coldStartEvery !== undefined && chance() * options.coldStartEvery < 1;
    const outcome = await sandbox.invoke(event, randomUUID());
    if (outcome.type !== "answered") state.stats.failures++;
    await giveBack(state, sandbox, recycled);
    return outcome;
  }

  async function giveBack(state: State, sandbox: Sandbox, recycled: boolean): Promise<void> {
    if (stopped || recycled) await sandbox.kill();
    state.busy.delete(sandbox);
    if (sandbox.alive) state.idle.push(sandbox);
  }

  function startFresh(name: string, state: State): Sandbox {
    state.stats.coldStarts++;
    const { bundle, timeoutMs, env } = state.spec;
    const log = (line: string): void => options.log?.(name, line);
    const onConnections = ({ dead, written }: { dead: number; written: number }): void => {
      state.stats.deadConnections += dead;
      state.stats.deadWrites += written;
    };
    return startSandbox({
      name,
      bundle,
      ric: options.ric,
      timeoutMs,
      log,
      onConnections,
      freezes: { ...FREEZES, ...options.freezes },
      env: { ...lambdaEnv(name), ...env },
    });
  }

  return {
    invoke,
    pids: (name) => sandboxes(states.get(name)).flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    stats: () => Object.fromEntries([...states].map(([name, { stats }]) => [name, { ...stats }])),
    async stop() {
      stopped = true;
      await Promise.all([...states.values()].flatMap(sandboxes).map((sandbox) => sandbox.kill()));
    },
  };
}

type State = {
  readonly spec: FunctionSpec;
  readonly idle: Sandbox[];
  readonly busy: Set<Sandbox>;
  readonly stats: { -readonly [field in keyof FunctionStats]: number };
};

function newState(spec: FunctionSpec): State {
  const counted = { invocations: 0, coldStarts: 0, failures: 0, throttles: 0 };
  const stats = { ...counted, deadConnections: 0, deadWrites: 0 };
  return { spec, idle: [], busy: new Set(), stats };
}

function sandboxes(state: State | undefined): Sandbox[] {
  return state === undefined ? [] : [...state.idle, ...state.busy];
}

/** What Lambda itself sets, with credentials that no emulator checks. */
function lambdaEnv(name: string): { [name: string]: string } {
  return {
    AWS_ACCESS_KEY_ID: "ASIAFAKE",
    AWS_SECRET_ACCESS_KEY: "fakeSecretKey",
    AWS_SESSION_TOKEN: "fakeSessionToken",
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
    LANG: "en_US.UTF-8",
    LAMBDA_TASK_ROOT: "/var/task",
    PATH: "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    TZ: ":UTC",
  };
}
