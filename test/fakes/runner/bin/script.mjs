// One child process of a step: lines out, cancelled the way the runner does it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

// Interrupt, 7.5 s later terminate, 2.5 s later kill:
// https://docs.github.com/actions/reference/workflow-cancellation-reference
const CANCEL_STEPS = [
  ["SIGINT", 0],
  ["SIGTERM", 7_500],
  ["SIGKILL", 10_000],
];

/** @returns {Promise<number>} its exit code, 128 or more after a signal */
export function runScript([program, ...args], { cwd, environment, cancelling, onLine, input }) {
  if (cancelling.aborted) return Promise.resolve(1);
  return new Promise((resolve, reject) => {
    const stdin = input === undefined ? "ignore" : "pipe";
    const child = spawn(program, args, { cwd, env: environment, stdio: [stdin, "pipe", "pipe"] });
    child.stdin?.end(`${input}\n`);
    const timers = [];
    const cancel = () => {
      for (const [signal, afterMs] of CANCEL_STEPS)
        timers.push(setTimeout(() => signalTree(child.pid, signal), afterMs));
    };
    cancelling.addEventListener("abort", cancel, { once: true });
    const splitters = [child.stdout, child.stderr].map((stream) => splitLines(stream, onLine));
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      cancelling.removeEventListener("abort", cancel);
      // Not "close": a process that the step left behind may hold the pipes for ever.
      setImmediate(() => {
        for (const flush of splitters) flush();
        resolve(code ?? SIGNAL_CODES[signal] ?? 128);
      });
    });
  });
}

const SIGNAL_CODES = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

/** @returns {() => void} hands over an unfinished last line */
function splitLines(stream, onLine) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
  return () => {
    if (rest !== "") onLine(rest);
    rest = "";
  };
}

/** Everything that this process has started, at once. */
export function endChildren() {
  for (const child of childrenOf(process.pid)) signalTree(child, "SIGKILL");
}

/** Children first: bash alone would wait for its command to end before it looks at the signal. */
function signalTree(pid, signal) {
  for (const child of childrenOf(pid)) signalTree(child, signal);
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

function childrenOf(pid) {
  if (process.platform !== "linux") return [];
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return [];
    throw error;
  }
}
