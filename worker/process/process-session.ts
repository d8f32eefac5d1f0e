// Signals for everything a child started. run.sh uses job control (`set -m`), which moves its children to process groups of
// their own: the group of the child is not enough for a KILL, its session is.
import { readdirSync, readFileSync } from "node:fs";
import type { WorkerClock } from "../clock.ts";

/** Signals the group that `leader` leads; false when it has no member left. */
export function killGroup(leader: number, signal: NodeJS.Signals): boolean {
  return killProcess(-leader, signal);
}

/**
 * Kills the group and, where /proc tells (Linux), the whole session of `leader`, until none is left or 2 s have passed.
 * Returns the number of processes that it found alive; `left` of them would not die.
 */
export async function killSession(
  leader: number,
  clock: WorkerClock,
): Promise<{ readonly found: number; readonly left: number }> {
  killGroup(leader, "SIGKILL");
  const found = new Set<number>();
  for (let round = 0; round < KILL_ROUNDS; round += 1) {
    const members = sessionMembers(leader);
    if (members.length === 0) return { found: found.size, left: 0 };
    for (const pid of members) {
      found.add(pid);
      killProcess(pid, "SIGKILL");
    }
    await clock.sleep(KILL_ROUND_MS);
  }
  return { found: found.size, left: sessionMembers(leader).length };
}

/** Living processes of the session, zombies left out. Empty where there is no /proc. */
export function sessionMembers(leader: number): readonly number[] {
  return listPids().filter((pid) => {
    const [state, , , session] = readStat(pid);
    return session === String(leader) && state !== "Z" && state !== "X";
  });
}

/** All that a job left is killed within 2 s, or is beyond killing. */
export const KILL_ROUNDS = 40;
export const KILL_ROUND_MS = 50;

/** A negative target is a group. False when there is none. */
export function killProcess(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
    // A process of another user (sudo in a step): alive, and out of our reach until the container ends.
    if (hasCode(error, "EPERM")) return true;
    throw error;
  }
}

/** Empty where there is no /proc. */
export function listPids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** state, parent, group, session. The program's name before them may hold spaces and brackets. */
function readStat(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    // It ended in between.
    if (hasCode(error, "ENOENT") || hasCode(error, "ESRCH")) return [];
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
