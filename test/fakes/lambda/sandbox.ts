// One sandbox of a function: a process that sees only its environment and runs only while it has an event.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type Outcome =
  | { readonly type: "answered"; readonly result: unknown }
  /** The handler rejected; the sandbox lives on. */
  | { readonly type: "failed"; readonly errorType: string; readonly errorMessage: string }
  /** The bundle did not load, or the process ended. The sandbox is gone, as after a time-out. */
  | { readonly type: "crashed"; readonly errorType: string; readonly errorMessage: string }
  | { readonly type: "timed-out"; readonly errorMessage: string };

export type SandboxOptions = {
  readonly name: string;
  readonly bundle: string;
  /** The entry of AWS's own runtime; undefined: a stand-in for it. */
  readonly ric: string | undefined;
  readonly env: { readonly [name: string]: string };
  readonly timeoutMs: number;
  readonly freezes: Freezes;
  readonly onConnections: (counts: Connections) => void;
  readonly log: (line: string) => void;
};

/** What becomes of the connections of a frozen sandbox: see frozen-sockets.mjs. */
export type Freezes = {
  /** Of a freeze after which none of them is alive. */
  readonly deadAfterMs: number;
  /** Of the dead ones: they swallow what is written. The others are reset by it. */
  readonly silentShare: number;
};

/** In one event: how many were dead at its start, and how often something was written to a dead one. */
type Connections = { readonly dead: number; readonly written: number };

export type Sandbox = {
  /** One event at a time. */
  invoke(event: unknown, requestId: string): Promise<Outcome>;
  readonly pid: number | undefined;
  readonly alive: boolean;
  /** Resolves when the process is gone. */
  kill(): Promise<void>;
};

type Answer = Extract<Outcome, { type: "answered" | "failed" }>;
type Message = (Answer & { readonly connections: Connections }) | InitMessage;
type InitMessage =
  | { readonly type: "ready" }
  | { readonly type: "init-failed"; readonly errorType: string; readonly errorMessage: string };

const BOOTSTRAP = fileURLToPath(new URL("./bootstrap.mjs", import.meta.url));
const RIC_BOOTSTRAP = fileURLToPath(new URL("./ric-bootstrap.mjs", import.meta.url));
/** Lambda's own limit for loading the code. */
const INIT_MS = 10_000;

export function startSandbox(options: SandboxOptions): Sandbox {
  const { bundle, ric } = options;
  const args = ric === undefined ? [BOOTSTRAP, bundle] : [RIC_BOOTSTRAP, bundle, ric];
  const child = spawn(process.execPath, args, {
    env: options.env,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", options.log);
  }
  const gone = once(child, "exit").then(() => undefined);
  const loaded = nextMessage(child, INIT_MS);
  let alive = true;
  let frozenAt: number | undefined;
  const kill = async (): Promise<void> => {
    alive = false;
    child.kill("SIGKILL");
    await gone;
  };

  return {
    pid: child.pid,
    get alive() {
      return alive;
    },
    kill,
    async invoke(event, requestId) {
      const init = await loaded;
      if (!("type" in init) || init.type !== "ready") return crashed(init);
      const { name, timeoutMs, freezes } = options;
      const freeze = frozenAt === undefined ? undefined : freezeOf(freezes, performance.now() - frozenAt);
      child.kill("SIGCONT");
      const answer = nextMessage(child, timeoutMs);
      const call = { event, context: contextOf(name, requestId), remainingMs: timeoutMs, freeze };
      // A process that is gone cannot be sent to; its exit is the answer.
      child.send(call, (error) => error && options.log(`event not sent: ${error.message}`));
      const message = await answer;
      if (message.type !== "answered" && message.type !== "failed") return crashed(message);
      child.kill("SIGSTOP");
      frozenAt = performance.now();
      const { connections, ...outcome } = message;
      options.onConnections(connections);
      return outcome;
    },
  };

  async function crashed(message: Message | Ended): Promise<Outcome> {
    await kill();
    if (message.type === "timed-out") {
      return { type: "timed-out", errorMessage: `Task timed out after ${options.timeoutMs / 1_000} seconds` };
    }
    const { errorType, errorMessage } = message as { errorType: string; errorMessage: string };
    return { type: "crashed", errorType, errorMessage };
  }
}

function freezeOf({ deadAfterMs, silentShare }: Freezes, ms: number) {
  return { dead: ms >= deadAfterMs, silentShare };
}

type Ended =
  | { readonly type: "timed-out" }
  | { readonly type: "exited"; readonly errorType: string; readonly errorMessage: string };

/** The next message, or why none came. Listens from now on; never rejects. */
function nextMessage(child: ChildProcess, withinMs: number): Promise<Message | Ended> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle({ type: "timed-out" }), withinMs);
    const onMessage = (message: unknown): void => settle(message as Message);
    const onExit = (code: number | null, signal: string | null): void =>
      settle({
        type: "exited",
        errorType: "Runtime.ExitError",
        errorMessage: `Runtime exited with ${signal ?? `code ${code}`}`,
      });
    child.once("message", onMessage);
    child.once("exit", onExit);
    if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);

    function settle(outcome: Message | Ended): void {
      clearTimeout(timer);
      child.off("message", onMessage);
      child.off("exit", onExit);
      resolve(outcome);
    }
  });
}

function contextOf(functionName: string, awsRequestId: string) {
  return {
    functionName,
    awsRequestId,
    functionVersion: "$LATEST",
    memoryLimitInMB: "512",
    callbackWaitsForEmptyEventLoop: true,
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${functionName}`,
  };
}
