// Starts a worker's process so that it outlives the dispatcher: own session, own output file, no pipe between them.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { type ProcessIdentity, readProcess } from "./read-processes.ts";

export type Spawned = {
  readonly process: ProcessIdentity;
  /** Settles when the process ends; 128 + n when signal n ended it, as a shell reports it. */
  readonly ended: Promise<number>;
};

/** Throws the system's error (ENOENT, EACCES, EAGAIN …) when there is no process. */
export async function spawnWorker(
  command: readonly string[],
  options: {
    readonly env: { readonly [name: string]: string };
    readonly cwd: string;
    readonly logFd: number;
  },
): Promise<Spawned> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: ["ignore", options.logFd, options.logFd],
  });
  if (child.pid === undefined) {
    const [error] = await once(child, "error");
    throw error;
  }
  // In the same turn: even a program that has already ended is still there as a zombie until libuv collects it.
  const info = readProcess(child.pid);
  if (info === undefined) throw new Error(`process ${child.pid} is not in /proc right after its start`);
  child.unref();
  return { process: { pid: info.pid, startTicks: info.startTicks }, ended: exitCode(child) };
}

async function exitCode(child: ChildProcess): Promise<number> {
  const [code, signal]: [number | null, NodeJS.Signals | null] = await new Promise((resolve) => {
    child.once("exit", (...end) => resolve(end));
  });
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
