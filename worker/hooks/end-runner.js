// Ends a job that a hook refuses. To actions/runner a failed hook is a failed step and nothing more: later steps with
// `if: always()` and every `pre:` and `post:` of actions would still run (actions/runner#2811). After TERM its
// Runner.Worker starts nothing more, fails the job and interrupts the hook. A hook that ended before that would let the
// next step begin, so it stays until then.
// @ts-check
import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A signal may come to the whole process group, before Runner.Worker knows that it is to end; an interrupt soon after our
 * own TERM may be such a one. By then it has had its TERM for certain, on a machine under load too.
 */
const SETTLE_MS = 1_000;

/** Signals that came to this process, the first of them. */
const interrupted = new AbortController();

/** From its first line on a hook must not die of a signal before it has judged. `onSignal`: to hand it on. */
export function outliveSignals(/** @type {(signal: NodeJS.Signals) => void} */ onSignal) {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
    process.on(signal, () => {
      interrupted.abort();
      onSignal(signal);
    });
  }
}

export function wasInterrupted() {
  return interrupted.signal.aborted;
}

/**
 * Resolves once Runner.Worker has been told to end and has interrupted this hook. False at once: this hook was started by
 * another program, or by another user's, and what TERM means to that nobody knows.
 */
export async function endRunner() {
  if (!isRunnerWorker(process.ppid) || !sendTerm(process.ppid)) return false;
  const settled = sleep(SETTLE_MS);
  await new Promise((resolve) => {
    // Keeps this process alive, which nothing else does.
    const alive = setInterval(() => undefined, 60_000);
    const end = () => {
      clearInterval(alive);
      resolve(undefined);
    };
    if (wasInterrupted()) end();
    else interrupted.signal.addEventListener("abort", end, { once: true });
  });
  await settled;
  return true;
}

/** Never resolves: whoever started the runner ends it, and this process with it. */
export function stayUntilKilled() {
  return new Promise(() => setInterval(() => undefined, 60_000));
}

/** @param {number} pid */
function isRunnerWorker(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "Runner.Worker";
  } catch {
    return false;
  }
}

/** @param {number} pid */
function sendTerm(pid) {
  try {
    return process.kill(pid, "SIGTERM");
  } catch {
    return false;
  }
}
