// What every pool driver must do, told through the port only: each driver and the fake pass the same cases.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseWorkerId, type WorkerId } from "../../shared/domain/ids.ts";
import type { ContainerState, PoolDriver, StartSpec } from "../../shared/ports/pool-driver.ts";

/**
 * What a worker does: `stay` until TERM; `ignore-term`; `print-and-end`: "line 1" to "line 100", a result, code 3;
 * `stay-with-strays`: like `stay`, with processes in sessions of their own.
 */
export type Part = "stay" | "ignore-term" | "print-and-end" | "stay-with-strays";

export const RESULT = '{"output":{"outcome":"ran"}}';

export type PoolUnderTest = {
  readonly driver: PoolDriver;
  /** Names and values that are in the dispatcher's environment and must not reach a worker. */
  readonly secrets: readonly string[];
  command(part: Part): readonly string[];
  /** Another driver on the same pool, as after a restart of the dispatcher. */
  reopen(): PoolDriver;
  /** The driver of another dispatcher on the same machines; undefined where nobody shares them. */
  stranger?(): PoolDriver;
  /** How many containers of the worker live; for processes, how many processes. */
  living(workerId: WorkerId): Promise<number>;
  /** The environment that the worker's program really has, as text. */
  environment(workerId: WorkerId): Promise<string>;
  /** The kernel kills a running worker for lack of memory; undefined where the pool would not hear of it. */
  exhaustMemory?(workerId: WorkerId): Promise<void>;
  /** Resolves when the program of a running worker does its part. */
  ready(workerId: WorkerId): Promise<void>;
  close(): Promise<void>;
};

export function describePoolDriver(name: string, open: () => Promise<PoolUnderTest>): void {
  describe(`pool driver contract: ${name}`, () => {
    let pool: PoolUnderTest;
    let driver: PoolDriver;
    beforeEach(async () => {
      pool = await open();
      driver = pool.driver;
    });
    afterEach(() => pool.close());

    test("a started worker runs, is listed, and is gone after its stop", async () => {
      const spec = specOf("stay");
      expect(await driver.inspect(spec.workerId)).toEqual({ type: "gone" });
      expect(await driver.start(spec)).toEqual({ type: "started" });
      const running = await driver.inspect(spec.workerId);
      expect(running).toMatchObject({ type: "running" });
      // For a worker whose record was lost.
      if (driver.capabilities.namedCards) expect(running).toMatchObject({ slots: spec.slots });
      expect(await driver.list()).toEqual([spec.workerId]);
      expect(await stopped(driver, spec.workerId)).toBe("gone");
      expect(await driver.inspect(spec.workerId)).toEqual({ type: "gone" });
      expect(await driver.list()).toEqual([]);
      expect(await pool.living(spec.workerId)).toBe(0);
      expect(await driver.stop(spec.workerId, 0)).toBe("gone");
    });

    test("has cards, and a worker gets its environment", async () => {
      const { total, nodes } = await driver.capacity();
      expect(total).toBeGreaterThanOrEqual(2);
      for (const node of nodes ?? []) {
        expect(node.free).toBeLessThanOrEqual(node.total);
        expect(node.total).toBeLessThanOrEqual(total);
      }
      const spec = specOf("stay");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      expect(await pool.environment(spec.workerId)).toContain(`RUNPOD_POD_ID=${spec.workerId}`);
    });

    test("a second start of the same worker makes nothing", async () => {
      const spec = specOf("stay");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      const living = await pool.living(spec.workerId);
      expect(await driver.start(spec)).toEqual({ type: "started" });
      expect(await pool.living(spec.workerId)).toBe(living);
      expect(await driver.list()).toEqual([spec.workerId]);
    });

    test("racing starts of the same worker make one", async () => {
      const spec = specOf("stay");
      const other = pool.reopen();
      const outcomes = await Promise.all([driver.start(spec), other.start(spec), driver.start(spec)]);
      expect(outcomes).toEqual([{ type: "started" }, { type: "started" }, { type: "started" }]);
      await pool.ready(spec.workerId);
      expect(await pool.living(spec.workerId)).toBe(1);
    });

    test("distinct workers are distinct", async () => {
      const [one, two] = [specOf("stay", [0]), specOf("stay", [1])];
      await Promise.all([driver.start(one), driver.start(two)]);
      expect(new Set(await driver.list())).toEqual(new Set([one.workerId, two.workerId]));
      expect(await stopped(driver, one.workerId)).toBe("gone");
      expect(await driver.inspect(two.workerId)).toMatchObject({ type: "running" });
      expect(await driver.list()).toEqual([two.workerId]);
    });

    test("stopping an unknown worker is gone, its log is empty", async () => {
      const workerId = newId();
      expect(await driver.stop(workerId, 1_000)).toBe("gone");
      expect(await driver.logsTail(workerId, 10)).toEqual([]);
    });

    test("exit code, result and log are kept until the stop", async () => {
      const spec = specOf("print-and-end");
      await driver.start(spec);
      const exited: ContainerState = { type: "exited", code: 3, result: expect.stringContaining(RESULT) };
      await expect.poll(() => driver.inspect(spec.workerId), POLL).toMatchObject(exited);
      expect(await driver.inspect(spec.workerId)).not.toHaveProperty("reason");
      expect(await pool.reopen().inspect(spec.workerId)).toMatchObject(exited);
      expect(await driver.list()).toEqual([spec.workerId]);
      expect(await driver.ended()).toEqual([spec.workerId]);
      expect(await driver.start(spec)).toEqual({ type: "started" });
      expect(await driver.inspect(spec.workerId)).toMatchObject(exited);
      expect(await driver.logsTail(spec.workerId, 2)).toEqual(["line 99", "line 100"]);
      expect(await driver.logsTail(spec.workerId, 1_000)).toHaveLength(100);
      expect(await driver.logsTail(spec.workerId, 0)).toEqual([]);
      expect(await stopped(driver, spec.workerId)).toBe("gone");
      expect(await driver.logsTail(spec.workerId, 2)).toEqual([]);
    });

    test("a worker without memory ends with the reason, and where to give it more", async ({ skip }) => {
      if (pool.exhaustMemory === undefined) return skip("this pool does not hear why a worker was killed");
      const spec = specOf("stay");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      await pool.exhaustMemory(spec.workerId);
      const reason = expect.stringMatching(/^was killed for lack of memory \(OOMKilled\): raise .+/);
      await expect.poll(() => driver.inspect(spec.workerId), POLL).toMatchObject({ type: "exited", reason });
      expect(await pool.reopen().inspect(spec.workerId)).toMatchObject({ type: "exited", reason });
      expect(await stopped(driver, spec.workerId)).toBe("gone");
    });

    test("a program that ignores TERM is killed", async () => {
      const spec = specOf("ignore-term");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      expect(await stopped(driver, spec.workerId, 50)).toBe("gone");
      expect(await pool.living(spec.workerId)).toBe(0);
    });

    test("a program that ignores TERM keeps nobody waiting for its grace, and a shorter one ends it", async () => {
      const spec = specOf("ignore-term");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      expect(await driver.stop(spec.workerId, LONG_GRACE_MS)).toBe("stopping");
      expect(await driver.stop(spec.workerId, LONG_GRACE_MS)).toBe("stopping");
      expect(await pool.living(spec.workerId)).toBeGreaterThan(0);
      expect(await stopped(driver, spec.workerId, 50)).toBe("gone");
      expect(await pool.living(spec.workerId)).toBe(0);
    });

    test("what a worker started dies with it", async () => {
      const spec = specOf("stay-with-strays");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      expect(await stopped(driver, spec.workerId)).toBe("gone");
      expect(await pool.living(spec.workerId)).toBe(0);
    });

    test("two stops at once are fine", async () => {
      const spec = specOf("stay");
      await driver.start(spec);
      await Promise.all([stopped(driver, spec.workerId), stopped(driver, spec.workerId)]);
      expect(await driver.inspect(spec.workerId)).toEqual({ type: "gone" });
      expect(await pool.living(spec.workerId)).toBe(0);
    });

    test("another driver finds the worker, and stops it", async () => {
      const spec = specOf("stay");
      await driver.start(spec);
      const next = pool.reopen();
      expect(await next.list()).toEqual([spec.workerId]);
      expect(await next.inspect(spec.workerId)).toMatchObject({ type: "running" });
      expect(await stopped(next, spec.workerId)).toBe("gone");
      expect(await pool.living(spec.workerId)).toBe(0);
      expect(await driver.inspect(spec.workerId)).toEqual({ type: "gone" });
    });

    test("what a worker prints is read while it runs", async () => {
      const spec = specOf("stay");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      expect(await driver.logsTail(spec.workerId, 1_000)).toContain("ready");
      expect(await driver.ended()).toEqual([]);
    });

    test("another dispatcher's workers are neither listed nor stopped", async ({ skip }) => {
      const stranger = pool.stranger?.();
      if (stranger === undefined) return skip("no other dispatcher shares the machines of this pool");
      const [mine, theirs] = [specOf("stay", [0]), specOf("stay", [1])];
      await Promise.all([driver.start(mine), stranger.start(theirs)]);
      expect(await driver.list()).toEqual([mine.workerId]);
      expect(await stranger.list()).toEqual([theirs.workerId]);
      expect(await driver.inspect(theirs.workerId)).toEqual({ type: "gone" });
      expect(await driver.stop(theirs.workerId, 0)).toBe("gone");
      expect(await stranger.inspect(theirs.workerId)).toMatchObject({ type: "running" });
      expect(await stopped(stranger, theirs.workerId)).toBe("gone");
    });

    test("no secret of the dispatcher reaches a worker", async () => {
      const spec = specOf("stay");
      await driver.start(spec);
      await pool.ready(spec.workerId);
      const environment = await pool.environment(spec.workerId);
      for (const secret of pool.secrets) expect(environment).not.toContain(secret);
    });

    function specOf(part: Part, slots: readonly number[] = [0]): StartSpec {
      const workerId = newId();
      return {
        workerId,
        endpoint: "linux-aarch64-a2-1",
        tenant: "1",
        cards: slots.length,
        slots: driver.capabilities.namedCards ? slots : [],
        image: undefined,
        command: pool.command(part),
        env: { RUNPOD_POD_ID: workerId },
        limitMs: 60_000,
      };
    }
  });
}

/** Real processes need time, more of it on a busy machine. */
export const POLL = { timeout: 10_000, interval: 10 };

export function newId(): WorkerId {
  const id = parseWorkerId(`npud-test00-${randomBytes(6).toString("hex")}`);
  if (id === undefined) throw new Error("not a worker id");
  return id;
}

/** A call that were kept for it would outlast its test. */
const LONG_GRACE_MS = 600_000;
/** "stopping" means: ask again. */
export async function stopped(driver: PoolDriver, workerId: WorkerId, graceMs = 5_000): Promise<string> {
  let answer = await driver.stop(workerId, graceMs);
  for (let asked = 0; answer === "stopping" && asked < 1_000; asked++) {
    await sleep(POLL.interval);
    answer = await driver.stop(workerId, graceMs);
  }
  return answer;
}
