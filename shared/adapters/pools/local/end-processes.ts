// Ends a worker as a container would: TERM to its process, the grace, then KILL for all that belongs to it.
import { setTimeout as sleep } from "node:timers/promises";
import {
  isRunning,
  listProcesses,
  markedBy,
  type ProcessIdentity,
  type ProcessInfo,
  readProcess,
} from "./read-processes.ts";
import { selectMembers } from "./select-members.ts";

export type Target = {
  /** The worker's own process, leader of its session and group; undefined when only the marker is known. */
  readonly leader: ProcessIdentity | undefined;
  /** `NAME=value` in the environment of everything that the worker started. */
  readonly marker: string;
  /** Nothing of the worker started before this, in clock ticks since boot: saves reading older environments. */
  readonly sinceTicks: number;
};

/** After KILL a process goes within milliseconds, unless the kernel holds it (D state, a wedged device). */
const KILL_MS = 2_000;
/** One look at one file of /proc takes about 25 us. */
const POLL_MS = 20;

/**
 * True when nothing of the worker is left. Waits at most `graceMs` + 2 s, then answers false: ask again.
 * When the worker's own process has ended, before or within the grace, the rest is killed at once.
 */
export async function endProcesses(
  target: Target,
  graceMs: number,
  options: { readonly term: boolean },
): Promise<boolean> {
  const { leader } = target;
  if (leader === undefined || !isRunning(leader)) return killAll(target, []);
  // Before TERM, while the line from each process up to the worker is still whole.
  const known = await findMembers(target, []);
  if (options.term) signal(leader.pid, "SIGTERM");
  await untilEnded(leader, graceMs);
  return killAll(target, known);
}

/** The oldest process with the marker: the worker itself, when a crash kept us from noting its pid. */
export async function findMarked(marker: string, sinceTicks: number): Promise<ProcessIdentity | undefined> {
  const members = await findMembers({ leader: undefined, marker, sinceTicks }, []);
  const oldest = members.toSorted((a, b) => a.startTicks - b.startTicks || a.pid - b.pid)[0];
  return oldest && { pid: oldest.pid, startTicks: oldest.startTicks };
}

/** `known`: members seen while the worker ran. A member that forks is caught by the next round. */
async function killAll(target: Target, known: readonly ProcessIdentity[]): Promise<boolean> {
  const seen = target.leader === undefined ? [...known] : [target.leader, ...known];
  const deadline = performance.now() + KILL_MS;
  for (;;) {
    const members = await findMembers(target, seen);
    if (members.length === 0) return true;
    if (performance.now() > deadline) return false;
    seen.push(...members);
    const leaders = new Set(seen.map(({ pid }) => pid));
    for (const member of members) kill(member, leaders);
    await sleep(POLL_MS / 4);
  }
}

async function findMembers(target: Target, known: readonly ProcessIdentity[]): Promise<ProcessInfo[]> {
  const all = await listProcesses();
  const young = all.filter((info) => info.startTicks >= target.sinceTicks && info.pid !== process.pid);
  const marked = await markedBy(target.marker, young);
  return selectMembers(young, { leader: target.leader, marked, known });
}

async function untilEnded(leader: ProcessIdentity, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs;
  while (isRunning(leader)) {
    const left = deadline - performance.now();
    if (left <= 0) return;
    await sleep(Math.min(POLL_MS, left));
  }
}

/**
 * With its whole group where a member leads that: at once, so that nothing can fork itself away in between. Looks once
 * more before it shoots, for the list is some milliseconds old and a pid may be another's by now.
 */
function kill(member: ProcessInfo, leaders: ReadonlySet<number>): void {
  const now = readProcess(member.pid);
  if (now?.startTicks !== member.startTicks) return;
  signal(leaders.has(now.group) ? -now.group : now.pid, "SIGKILL");
}

function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EPERM: it became another user's (sudo, a setuid program). It stays a member, so the worker is not "gone".
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
