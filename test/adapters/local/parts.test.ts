// Parts of the local pool: processes, membership, timers, failures.
import { spawn } from "node:child_process";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { limitTimers } from "../../../shared/adapters/pools/local/limit-timers.ts";
import type { ProcessInfo } from "../../../shared/adapters/pools/local/read-processes.ts";
import {
  isRunning,
  listProcesses,
  markedBy,
  readBootId,
  readProcess,
  readSelf,
} from "../../../shared/adapters/pools/local/read-processes.ts";
import { selectMembers } from "../../../shared/adapters/pools/local/select-members.ts";
import { startFailure } from "../../../shared/adapters/pools/local/start-failure.ts";
import { newId, POLL } from "../../contract/pool-driver-contract.ts";

describe("reading processes", () => {
  test("this process is what it says, and is in the list", async () => {
    const self = readProcess(process.pid);
    expect(self).toMatchObject({ ...readSelf(), parent: process.ppid, ended: false });
    const listed = (await listProcesses()).find(({ pid }) => pid === process.pid);
    expect(listed).toEqual(self);
  });

  test("a unit that hides /proc/sys from the service is named", () => {
    expect(readBootId()).toMatch(/^[0-9a-f-]{36}$/);
    expect(() => readBootId("/proc/nothing")).toThrow(/ProcSubset=pid.*local-pool\.conf/);
  });

  test("a zombie has ended, though its pid is still there", async () => {
    // The shell becomes a program that never collects the child it did not start.
    const parent = spawn("/bin/sh", ["-c", "/bin/true & exec sleep 600"], { stdio: "ignore" });
    try {
      const childOf = async () => (await listProcesses()).find((process) => process.parent === parent.pid);
      await expect.poll(childOf, POLL).toMatchObject({ ended: true });
      const zombie = await childOf();
      if (zombie === undefined) throw new Error("the zombie is gone");
      expect(isRunning(zombie)).toBe(false);
      expect(selectMembers([zombie], { leader: zombie, marked: new Set(), known: [] })).toEqual([]);
    } finally {
      parent.kill("SIGKILL");
    }
  });

  test("there is no process above the highest pid", () => {
    expect(readProcess(4_194_305)).toBeUndefined();
  });
});

describe("markers", () => {
  test("a process that runs one program after the other carries its marker all the time", async () => {
    const chain = '[ "$0" -lt 300 ] && exec /bin/sh -c "$CHAIN" $(($0 + 1)); exec sleep 600';
    const child = spawn("/bin/sh", ["-c", chain, "1"], {
      stdio: "ignore",
      env: { CHAIN: chain, MARK: "chain" },
    });
    try {
      for (let look = 0; look < 300; look++) {
        const info = readProcess(Number(child.pid));
        if (info === undefined) throw new Error("the chain has ended");
        expect(await markedBy("MARK=chain", [info])).toEqual(new Set([child.pid]));
      }
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe("membership", () => {
  const leader = { pid: 100, startTicks: 50 };

  test("takes the leader, its session, its descendants and the marked; no strangers, no ended ones", () => {
    const processes = [
      info(1, { startTicks: 0 }),
      info(100, { startTicks: 50 }),
      info(101, { parent: 100, ended: true }),
      info(102, { parent: 1, session: 100 }),
      info(103, { parent: 100 }),
      info(104, { parent: 103 }),
      info(105, { parent: 1 }),
      info(106, { parent: 105 }),
      info(107, { parent: 1 }),
      info(108, { parent: 1, group: 100, startTicks: 40 }),
    ];
    const members = selectMembers(processes, {
      leader,
      marked: new Set([105]),
      known: [{ pid: 107, startTicks: 60 }],
    });
    expect(members.map(({ pid }) => pid)).toEqual([100, 102, 103, 104, 105, 106, 107]);
  });

  test("where another process has the leader's pid, its session and children are strangers", () => {
    const processes = [
      info(100, { startTicks: 90 }),
      info(200, { session: 100, startTicks: 91 }),
      info(201, { parent: 100 }),
    ];
    expect(selectMembers(processes, { leader, marked: new Set(), known: [] })).toEqual([]);
  });

  test("for every process tree: each member is a seed or a child of a member, and each living child is a member", () => {
    const tree = fc.array(fc.record({ parent: fc.nat(15), marked: fc.boolean(), ended: fc.boolean() }), {
      maxLength: 15,
    });
    fc.assert(
      fc.property(tree, (nodes) => {
        const processes = nodes.map(({ parent, ended }, index) => info(index + 1, { parent, ended }));
        const marked = new Set(nodes.flatMap((node, index) => (node.marked ? [index + 1] : [])));
        const members = selectMembers(processes, { leader: undefined, marked, known: [] });
        const pids = new Set(members.map(({ pid }) => pid));
        expect(members.some(({ ended }) => ended)).toBe(false);
        for (const { pid, ended } of processes) {
          if (!ended) expect(pids.has(pid)).toBe(reaches(processes, pid, marked));
        }
      }),
    );
  });
});

describe("limit timers", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("fires once, at its time, also after more than setTimeout can count", () => {
    const reached: string[] = [];
    const timers = limitTimers({ now: Date.now }, async (workerId) => void reached.push(workerId));
    const [near, far, off] = [newId(), newId(), newId()];
    const days = 24 * 3_600_000;
    timers.arm(near, 1_000);
    timers.arm(far, 60 * days);
    timers.arm(off, 1_000);
    timers.disarm(off);
    vi.advanceTimersByTime(999);
    expect(reached).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(reached).toEqual([near]);
    vi.advanceTimersByTime(60 * days - 1_001);
    expect(reached).toEqual([near]);
    vi.advanceTimersByTime(1);
    expect(reached).toEqual([near, far]);
  });
});

describe("failures of a start", () => {
  test.each(["EAGAIN", "ENOMEM", "EMFILE", "ENOSPC"])("%s is a shortage: later", (code) => {
    expect(startFailure(systemError(code, "spawn x"), "x")).toMatchObject({
      type: "unavailable",
      retryAfterMs: 5_000,
    });
  });

  test.each([
    ["EROFS", "mkdir", "the pool's folder (at /p) is on a read-only file system"],
    ["EACCES", "mkdir", "the pool's folder (at /p) is not writable"],
    ["ENOEXEC", "spawn x", "the worker's program x is no program for this machine"],
  ])("%s of %s is refused", (code, syscall, message) => {
    expect(startFailure(systemError(code, syscall), "x")).toEqual({ type: "refused", message });
  });

  test("anything else is a fault", () => {
    const error = systemError("EIO", "write");
    expect(() => startFailure(error, "x")).toThrow(error);
  });
});

function info(pid: number, changes: Partial<ProcessInfo> = {}): ProcessInfo {
  return { pid, startTicks: 60, parent: 1, group: pid, session: pid, ended: false, ...changes };
}

function reaches(processes: readonly ProcessInfo[], pid: number, marked: ReadonlySet<number>): boolean {
  const seen = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !seen.has(at); ) {
    if (marked.has(at)) return true;
    seen.add(at);
    const here: number = at;
    at = processes.find((process) => process.pid === here)?.parent;
  }
  return false;
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(code), { code, syscall, path: "/p" });
}
