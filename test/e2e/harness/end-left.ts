// What a killed server has left running: workers of a local pool outlive it, so that the next server finds them.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Kills every process whose folder or environment is of `dir`; none where there is no /proc. */
export function endLeft(dir: string): void {
  for (const pid of pids()) {
    if (pid === process.pid || !isOf(pid, dir)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function pids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function isOf(pid: number, dir: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`).startsWith(dir) ||
      readFileSync(`/proc/${pid}/environ`, "latin1").includes(dir)
    );
  } catch {
    // It has ended, or is another user's.
    return false;
  }
}
