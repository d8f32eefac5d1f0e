// Reads /proc: which processes there are, when they started, and which of them carry a worker's marker.
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

/** A process for good: a pid is used again, a pid with its start time is not (within one boot). */
export type ProcessIdentity = {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/<pid>/stat. */
  readonly startTicks: number;
};

export type ProcessInfo = ProcessIdentity & {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Ended, but not yet collected by its parent: it holds no device and no file any more. */
  readonly ended: boolean;
};

/**
 * Every process of this host, ended ones too. Reads synchronously in slices: 64 reads of /proc take
 * about 1.6 ms (25 us each, measured), and the event loop gets its turn after each slice.
 */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = await inSlices(pids, (pid) => readProcess(Number(pid)));
  return found.filter((info) => info !== undefined);
}

/** Those of `processes` whose environment has exactly the entry `marker` (`NAME=value`). */
export async function markedBy(marker: string, processes: readonly ProcessInfo[]): Promise<Set<number>> {
  const marked = await inSlices(processes, ({ pid }) => hasMarker(pid, marker));
  return new Set(processes.filter((_, index) => marked[index]).map(({ pid }) => pid));
}

/** Undefined when there is no such process. */
export function readProcess(pid: number): ProcessInfo | undefined {
  const text = readProcFile(`/proc/${pid}/stat`)?.toString("latin1");
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const [state, parent, group, session, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    startTicks: Number(rest[15]),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    ended: state === "Z" || state === "X",
  };
}

/** True while exactly this process runs: not when it has ended, and not when another one got its pid. */
export function isRunning(identity: ProcessIdentity): boolean {
  const info = readProcess(identity.pid);
  return info !== undefined && info.startTicks === identity.startTicks && !info.ended;
}

/** This process. Throws where there is no /proc. */
export function readSelf(): ProcessIdentity {
  const self = readProcess(process.pid);
  if (self === undefined) throw new Error("the local pool needs Linux: there is no /proc/<pid>/stat to read");
  return { pid: self.pid, startTicks: self.startTicks };
}

/** Changes with every boot of the host: pids and start times of another boot say nothing. */
export function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function hasMarker(pid: number, marker: string): boolean {
  const environ = readProcFile(`/proc/${pid}/environ`);
  if (environ === undefined) return false;
  return `\0${environ.toString("latin1")}\0`.includes(`\0${marker}\0`);
}

/** Undefined when the process ended meanwhile, or is another user's and keeps its environment to itself. */
function readProcFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}

async function inSlices<In, Out>(items: readonly In[], read: (item: In) => Out): Promise<Out[]> {
  const results: Out[] = [];
  for (let at = 0; at < items.length; at += 64) {
    if (at > 0) await setImmediate();
    results.push(...items.slice(at, at + 64).map(read));
  }
  return results;
}
