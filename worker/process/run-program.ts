// A short program run to its end, within a time and an amount of output. For npu-smi, which can hang.
import { spawn } from "node:child_process";
import type { Environment } from "../config.ts";
import { killGroup } from "./process-session.ts";

export type ProgramResult =
  | { readonly type: "exited"; readonly code: number | undefined; readonly output: string }
  | { readonly type: "missing" }
  | { readonly type: "timeout" };

export type RunProgram = (
  program: string,
  args: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
) => Promise<ProgramResult>;

/** npu-smi prints 3 kB for 16 chips. */
const LONGEST_OUTPUT = 256 * 1024;

export function createProgramRunner(env: Environment): RunProgram {
  return (program, args, timeoutMs, signal) =>
    new Promise((resolve, reject) => {
      // An own group, so that a wrapper script's child is killed with it.
      const child = spawn(program, args, {
        env: { ...env },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const kill = () => {
        if (child.pid !== undefined) killGroup(child.pid, "SIGKILL");
      };
      let output = "";
      const collect = (chunk: Buffer) => {
        if (output.length < LONGEST_OUTPUT) output += chunk.toString("utf8");
      };
      const end = (result: ProgramResult) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", kill);
        resolve(result);
      };
      // Resolved here and not at the exit: a process in uninterruptible sleep outlives its KILL.
      const timer = setTimeout(() => {
        kill();
        child.stdout.destroy();
        child.stderr.destroy();
        child.unref();
        end({ type: "timeout" });
      }, timeoutMs);
      signal?.addEventListener("abort", kill, { once: true });
      child.stdout.on("data", collect);
      child.stderr.on("data", collect);
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT" || error.code === "EACCES") return end({ type: "missing" });
        clearTimeout(timer);
        reject(error);
      });
      child.once("close", (code) => end({ type: "exited", code: code ?? undefined, output }));
    });
}
