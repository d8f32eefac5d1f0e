// Runs a program with its arguments as they are, never by a shell.
import { spawn } from "node:child_process";

type ProgramEnd = {
  /** 127 when there is no such program, as in a shell. */
  readonly code: number;
  /** What it wrote to stdout; empty when it was shown. */
  readonly output: string;
};

/** `show`: what it writes appears on stderr. `keep`: stdout is returned, stderr dropped. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  how: "show" | "keep",
) => Promise<ProgramEnd>;

export const runProgram: RunProgram = (program, args, how) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: how === "show" ? ["ignore", process.stderr, process.stderr] : ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? resolve({ code: 127, output: "" }) : reject(error),
    );
    child.once("close", (code, signal) => resolve({ code: signal === null ? (code ?? 1) : 1, output }));
  });
