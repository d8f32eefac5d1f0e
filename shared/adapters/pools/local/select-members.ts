// Decides which processes belong to a worker: its own, what descends from it, and what only its marker gives away.
import type { ProcessIdentity, ProcessInfo } from "./read-processes.ts";

export type Membership = {
  /** The worker process itself; undefined when a crash kept us from noting it. */
  readonly leader: ProcessIdentity | undefined;
  /** Pids whose environment carries the worker's marker. */
  readonly marked: ReadonlySet<number>;
  /** Members seen before: they stay members when the parent that proved it is gone. */
  readonly known: readonly ProcessIdentity[];
};

/** Living members, in the order of `processes`. */
export function selectMembers(processes: readonly ProcessInfo[], membership: Membership): ProcessInfo[] {
  const members = new Set(processes.filter((info) => isSeed(info, processes, membership)));
  for (let before = -1; before !== members.size; ) {
    before = members.size;
    const parents = new Map([...members].map((info) => [info.pid, info]));
    for (const info of processes) {
      const parent = parents.get(info.parent);
      if (parent !== undefined && parent.startTicks <= info.startTicks) members.add(info);
    }
  }
  return processes.filter((info) => members.has(info) && !info.ended);
}

function isSeed(info: ProcessInfo, processes: readonly ProcessInfo[], membership: Membership): boolean {
  if (membership.marked.has(info.pid)) return true;
  if (membership.known.some((known) => isSame(known, info))) return true;
  const { leader } = membership;
  if (leader === undefined) return false;
  if (info.pid === leader.pid) return isSame(leader, info);
  if (info.session !== leader.pid && info.group !== leader.pid) return false;
  // The kernel gives no pid to a new process while a session or group has that number. So where another process has
  // the leader's pid, our session is over, and what is in a session of that number is a stranger.
  const holder = processes.find(({ pid }) => pid === leader.pid);
  return info.startTicks >= leader.startTicks && (holder === undefined || isSame(holder, leader));
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks;
}
