// Starts config.sh and run.sh of the runner stand-in, and keeps what they print.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

export type RunnerProcess = {
  readonly child: ChildProcess;
  /** Everything printed so far, both streams in one. */
  text(): string;
  /** Resolves when the text matches; fails after 10 s or when the process ended without it. */
  printed(pattern: RegExp): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
};

const POLL_MS = 5;
const PATIENCE_MS = 10_000;

/** @param environment added to PATH and the permission to run as root */
export function startScript(
  root: string,
  script: "config.sh" | "run.sh",
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): RunnerProcess {
  const env = { PATH: process.env["PATH"] ?? "", RUNNER_ALLOW_RUNASROOT: "1", ...environment };
  const child = spawn(join(root, script), args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  const ended = new Promise<Awaited<RunnerProcess["ended"]>>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return {
    child,
    text: () => text,
    ended,
    printed: (pattern) =>
      until(
        () => pattern.test(text),
        () => `${script} did not print ${pattern}: ${text}`,
      ),
  };
}

export async function until(condition: () => boolean, complaint: () => string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(complaint());
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}

/** Ends the script and what it started; a shell with job control has put its child in a group of its own. */
export function killAll({ child }: RunnerProcess, others: readonly number[] = []): void {
  for (const group of [child.pid, ...others]) {
    try {
      if (group !== undefined) process.kill(-group, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
