// Ends every process of a user. A job may fork, leave its session and hide its /proc folder: its number it cannot change.
import { readFileSync } from "node:fs";
import type { WorkerClock } from "../clock.ts";
import { KILL_ROUND_MS, KILL_ROUNDS, killProcess, listPids } from "../process/process-session.ts";
import type { RunProgram } from "../process/run-program.ts";
import { asUser, type RunnerUser } from "../runner/runner-user.ts";

type Killed = { readonly found: number; readonly left: number };

/** Within 2 s. `found` processes were alive, `left` of them would not die. */
export async function killUser(user: RunnerUser, run: RunProgram, clock: WorkerClock): Promise<Killed> {
  const found = new Set<number>();
  for (let round = 0; round < KILL_ROUNDS; round += 1) {
    const pids = processesOf(user.uid);
    if (pids.length === 0) return { found: found.size, left: 0 };
    for (const pid of pids) {
      found.add(pid);
      killProcess(pid, "SIGKILL");
    }
    // A fork bomb outruns a list. The kernel signals all processes of the sender's user, and lets none fork meanwhile.
    const { program, args } = asUser({ program: "sh", args: ["-c", "kill -KILL -1"] }, user);
    if (round > 0) await run(program, args, KILL_ROUND_MS * 10);
    await clock.sleep(KILL_ROUND_MS);
  }
  return { found: found.size, left: processesOf(user.uid).length };
}

/** By `status` and not by the owner of the folder: that is root for a process that made itself undumpable. */
export function processesOf(uid: number): readonly number[] {
  return listPids().filter((pid) => {
    const status = readStatus(pid);
    const state = /^State:\s*(\S)/m.exec(status)?.[1];
    if (state === undefined || state === "Z" || state === "X") return false;
    const uids = /^Uid:\s*([\d\s]+)$/m.exec(status)?.[1]?.trim().split(/\s+/) ?? [];
    return uids.includes(String(uid));
  });
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch (error) {
    // It ended in between.
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return "";
    throw error;
  }
}
