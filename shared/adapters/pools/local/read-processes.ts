// Reads /proc: which processes there are, when they started, and which of them carry a worker's marker.
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

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

/** Loading a program from a cold disk takes tens of ms; a process that hangs there longer waits for a dead disk. */
const EXEC_LOOKS = 20;
const EXEC_LOOK_MS = 5;
/** `flags` of a kernel thread, include/linux/sched.h. */
const PF_KTHREAD = 0x0020_0000;

/**
 * Every process of this host, ended ones too. Reads synchronously in slices: 64 reads of /proc take
 * about 1.6 ms (25 us each, measured), and the event loop gets its turn after each slice.
 */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = await inSlices(pids, (pid) => readProcess(Number(pid)));
  return found.filter((info) => info !== undefined);
}

/**
 * Those of `processes` whose environment has exactly the entry `marker` (`NAME=value`). A process in the middle of exec
 * shows none for a moment: it is looked at again.
 */
export async function markedBy(marker: string, processes: readonly ProcessInfo[]): Promise<Set<number>> {
  const marked = new Set<number>();
  let open = processes.filter(({ ended }) => !ended);
  for (let look = 0; open.length > 0 && look < EXEC_LOOKS; look++) {
    if (look > 0) await sleep(EXEC_LOOK_MS);
    const answers = await inSlices(open, ({ pid }) => hasMarker(pid, marker));
    for (const [index, { pid }] of open.entries()) if (answers[index] === true) marked.add(pid);
    open = open.filter((_, index) => answers[index] === "in exec");
  }
  return marked;
}

/** Undefined when there is no such process. */
export function readProcess(pid: number): ProcessInfo | undefined {
  const stat = readStat(pid);
  if (stat === undefined) return undefined;
  return {
    pid,
    startTicks: Number(stat[22]),
    parent: Number(stat[4]),
    group: Number(stat[5]),
    session: Number(stat[6]),
    ended: stat[3] === "Z" || stat[3] === "X",
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
export function readBootId(file = "/proc/sys/kernel/random/boot_id"): string {
  const text = readProcFile(file)?.toString("utf8");
  if (text !== undefined) return text.trim();
  throw new Error(
    `the local pool cannot read ${file}: a systemd unit with ProcSubset=pid hides it from this service and from its jobs; docs/deploy.md has local-pool.conf for a machine with a local pool`,
  );
}

function hasMarker(pid: number, marker: string): boolean | "in exec" {
  const environ = readProcFile(`/proc/${pid}/environ`);
  if (environ === undefined) return false;
  if (environ.length === 0) return isTrulyEmpty(pid) ? false : "in exec";
  return `\0${environ.toString("latin1")}\0`.includes(`\0${marker}\0`);
}

/** Within exec the bounds of the environment are both 0 until it is set up; a kernel thread never has one. */
function isTrulyEmpty(pid: number): boolean {
  const stat = readStat(pid);
  if (stat === undefined || stat[3] === "Z" || stat[3] === "X") return true;
  const isKernelThread = (Number(stat[9]) & PF_KTHREAD) !== 0;
  const [start, end] = [Number(stat[50]), Number(stat[51])];
  return isKernelThread || (end !== 0 && start === end);
}

/** The fields of /proc/<pid>/stat, numbered from 1 as in proc(5); the name in field 2 is left out. */
function readStat(pid: number): string[] | undefined {
  const text = readProcFile(`/proc/${pid}/stat`)?.toString("latin1");
  // The name stands in parentheses and may itself hold spaces and parentheses.
  return text === undefined ? undefined : ["", "", "", ...text.slice(text.lastIndexOf(")") + 2).split(" ")];
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
