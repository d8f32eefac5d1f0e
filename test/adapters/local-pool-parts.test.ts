// The pure and file-reading parts of the local pool: membership, environment, cards, timers, failures.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findCards } from "../../shared/adapters/pools/local/find-cards.ts";
import { limitTimers } from "../../shared/adapters/pools/local/limit-timers.ts";
import type { ProcessInfo } from "../../shared/adapters/pools/local/read-processes.ts";
import { listProcesses, readProcess, readSelf } from "../../shared/adapters/pools/local/read-processes.ts";
import { selectMembers } from "../../shared/adapters/pools/local/select-members.ts";
import { startFailure } from "../../shared/adapters/pools/local/start-failure.ts";
import { workerEnv } from "../../shared/adapters/pools/local/worker-env.ts";
import { newId } from "../contract/pool-driver-contract.ts";

describe("reading processes", () => {
  test("this process is what it says, and is in the list", async () => {
    const self = readProcess(process.pid);
    expect(self).toMatchObject({ ...readSelf(), parent: process.ppid, ended: false });
    const listed = (await listProcesses()).find(({ pid }) => pid === process.pid);
    expect(listed).toEqual(self);
  });

  test("there is no process above the highest pid", () => {
    expect(readProcess(4_194_305)).toBeUndefined();
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

describe("environment", () => {
  const worker = { workerId: "w", dir: "/d", slots: [0, 1] };
  const none = { base: {}, extra: {}, own: {} };

  test("lets through what is listed, in any mix with anything else", () => {
    const listed = [
      "PATH",
      "HOME",
      "LC_ALL",
      "https_proxy",
      "NO_PROXY",
      "LD_LIBRARY_PATH",
      "ASCEND_TOOLKIT_HOME",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (others) => {
        const wanted = Object.fromEntries(listed.map((name) => [name, `value of ${name}`]));
        const base = {
          ...others,
          ASCEND_VISIBLE_DEVICES: "7",
          LC_ALL_SECRET: "s",
          PATH_SECRET: "s",
          ...wanted,
        };
        const cpu = { kind: "cpu", devices: [], simulated: false } as const;
        const env = workerEnv(worker, cpu, { ...none, base });
        expect(env).toEqual({ ...wanted, NPU_DISPATCH_WORKER: "w", WORKER_DIR: "/d" });
      }),
    );
  });

  test("the start wins over the operator, devices and marker over both", () => {
    const npu = { kind: "npu", devices: [0, 1], simulated: false } as const;
    const own = { A: "own", B: "own", NPU_DISPATCH_WORKER: "own", ASCEND_VISIBLE_DEVICES: "own" };
    const env = workerEnv(worker, npu, { base: { PATH: "base" }, extra: { A: "extra", PATH: "extra" }, own });
    expect(env).toEqual({
      PATH: "extra",
      A: "own",
      B: "own",
      NPU_DISPATCH_WORKER: "w",
      WORKER_DIR: "/d",
      ASCEND_VISIBLE_DEVICES: "0,1",
      ASCEND_RT_VISIBLE_DEVICES: "0,1",
    });
  });

  test.each([
    ["npu", [0, 1], { ASCEND_VISIBLE_DEVICES: "2,5", ASCEND_RT_VISIBLE_DEVICES: "0,1" }],
    ["npu", [], { ASCEND_VISIBLE_DEVICES: "void" }],
    ["gpu", [1], { NVIDIA_VISIBLE_DEVICES: "5", CUDA_VISIBLE_DEVICES: "1" }],
    ["gpu", [], { NVIDIA_VISIBLE_DEVICES: "void", CUDA_VISIBLE_DEVICES: "" }],
    ["cpu", [], {}],
  ] as const)("%s with slots %j of the devices 2 and 5", (kind, slots, expected) => {
    const { NPU_DISPATCH_WORKER, WORKER_DIR, ...env } = workerEnv(
      { ...worker, slots },
      { kind, devices: [2, 5], simulated: false },
      none,
    );
    expect([NPU_DISPATCH_WORKER, WORKER_DIR]).toEqual(["w", "/d"]);
    expect(env).toEqual(expected);
  });
});

describe("cards", () => {
  let dev: string;
  beforeEach(async () => {
    dev = await mkdtemp(join(tmpdir(), "npu-dispatch-dev-"));
  });
  afterEach(() => rm(dev, { recursive: true }));

  test("counts device files, not their managers, in the order of their numbers", async () => {
    for (const name of ["davinci10", "davinci2", "davinci_manager", "vdavinci1", "nvidia0", "nvidiactl"]) {
      await writeFile(join(dev, name), "");
    }
    expect(findCards("npu", "auto", dev)).toEqual({ kind: "npu", devices: [2, 10], simulated: false });
    expect(findCards("npu", 1, dev)).toEqual({ kind: "npu", devices: [2], simulated: false });
    expect(findCards("gpu", "auto", dev).devices).toEqual([0]);
    expect(() => findCards("npu", 3, dev)).toThrow(/3 cards, but .* has 2 npu devices/);
  });

  test("simulates where there is nothing", () => {
    expect(findCards("npu", "auto", dev)).toMatchObject({
      devices: [0, 1, 2, 3, 4, 5, 6, 7],
      simulated: true,
    });
    expect(findCards("gpu", 2, dev)).toMatchObject({ devices: [0, 1], simulated: true });
    expect(findCards("npu", 0, dev)).toMatchObject({ devices: [], simulated: false });
  });

  test("cpu cards are cores, or as many as set", () => {
    expect(findCards("cpu", "auto", dev).devices).toHaveLength(availableParallelism());
    expect(findCards("cpu", 500, dev).devices).toHaveLength(500);
  });

  test.each([-1, 1.5, Number.NaN])("rejects %d cards", (cards) => {
    expect(() => findCards("npu", cards, dev)).toThrow(/whole number/);
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
