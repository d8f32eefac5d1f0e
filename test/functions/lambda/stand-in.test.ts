// The stand-in for Lambda keeps Lambda's rules; the tests that run on it mean little if it does not.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../e2e/until.ts";
import { findRic } from "../../fakes/lambda/find-ric.ts";
import { type Lambda, type LambdaOptions, startLambda } from "../../fakes/lambda/lambda.ts";

const fixture = (name: string) => join(import.meta.dirname, "..", "..", "fixtures", "lambda", `${name}.mjs`);
const TIMEOUT_MS = 5_000;
const ric = findRic();
/** Under AWS's own runtime too, where it is built. */
const RUNTIMES = ric === undefined ? [undefined] : [undefined, ric];
let runtime: string | undefined;
let lambda: Lambda | undefined;

afterEach(async () => {
  await lambda?.stop();
  lambda = undefined;
});

function start(options: Partial<LambdaOptions["functions"][string]> = {}, coldStartEvery?: number): Lambda {
  const fn = { bundle: fixture("probe"), env: { MINE: "1" }, timeoutMs: TIMEOUT_MS, ...options };
  lambda = startLambda({ functions: { fn }, seed: 1, coldStartEvery, ric: runtime });
  return lambda;
}

type Probe = {
  pid: number;
  calls: number;
  ticks: number;
  env: { [name: string]: string };
  remainingMs: number;
};

async function probe(at: Lambda, event: object = {}): Promise<Probe> {
  const outcome = await at.invoke("fn", event);
  if (outcome.type !== "answered") throw new Error(JSON.stringify(outcome));
  return outcome.result as Probe;
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ESRCH";
  }
}

async function stateOf(pid: number): Promise<string | undefined> {
  return /^State:\s+(\S)/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
}

describe.each(RUNTIMES)("a sandbox, with AWS's runtime %s", (entry) => {
  beforeEach(() => {
    runtime = entry;
  });
  afterAll(() => {
    runtime = undefined;
  });

  test("is kept for the next event", async () => {
    const at = start();
    const first = await probe(at);
    expect(await probe(at)).toMatchObject({ pid: first.pid, calls: 2 });
    expect(at.stats()["fn"]).toMatchObject({ invocations: 2, coldStarts: 1, failures: 0, throttles: 0 });
  });

  test("does not run between events", async () => {
    const at = start();
    const before = await probe(at);
    await until("it to be stopped", async () => (await stateOf(before.pid)) === "T");
    await sleep(300);
    // Running, it would have ticked some 60 times.
    expect((await probe(at)).ticks - before.ticks).toBeLessThan(20);
  });

  test("sees its own environment and Lambda's, and nothing else", async () => {
    const { env, remainingMs } = await probe(start());
    expect(env).toMatchObject({ MINE: "1", AWS_REGION: "us-east-1", AWS_LAMBDA_FUNCTION_NAME: "fn" });
    expect(Object.keys(env).filter((name) => /^(HOME|USER|npm_|VITEST|NODE_)/.test(name))).toEqual([]);
    expect(remainingMs).toBeGreaterThan(TIMEOUT_MS / 2);
  });

  test("has one event at a time; more events have more sandboxes", async () => {
    const at = start();
    const probes = await Promise.all([1, 2, 3].map(() => probe(at, { sleepMs: 100 })));
    expect(new Set(probes.map(({ pid }) => pid)).size).toBe(3);
    expect(probes.map(({ calls }) => calls)).toEqual([1, 1, 1]);
    expect(at.stats()).toMatchObject({ fn: { coldStarts: 3 } });
  });

  test("is thrown away at random", async () => {
    const at = start({}, 1);
    const [one, two] = [await probe(at), await probe(at)];
    expect(two.pid).not.toBe(one.pid);
    expect(at.stats()["fn"]).toMatchObject({ invocations: 2, coldStarts: 2 });
    expect(isGone(one.pid)).toBe(true);
  });

  test("is killed when its time is over", async () => {
    const at = start({ timeoutMs: 400 });
    const { pid } = await probe(at);
    expect(await at.invoke("fn", { hang: true })).toEqual({
      type: "timed-out",
      errorMessage: "Task timed out after 0.4 seconds",
    });
    expect(isGone(pid)).toBe(true);
    expect(await probe(at)).toMatchObject({ calls: 1 });
  });

  test("survives a handler that rejects, and not one that ends the process", async () => {
    const at = start();
    const { pid } = await probe(at);
    const failed = { type: "failed", errorType: "RangeError", errorMessage: "no" };
    expect(await at.invoke("fn", { fail: "no" })).toEqual(failed);
    expect(await probe(at)).toMatchObject({ pid, calls: 3 });
    expect(await at.invoke("fn", { exit: true })).toMatchObject({
      type: "crashed",
      errorType: "Runtime.ExitError",
    });
    expect(await probe(at)).toMatchObject({ calls: 1 });
    expect(at.stats()["fn"]).toMatchObject({ failures: 2, coldStarts: 2 });
  });
});

describe("functions", () => {
  test("a bundle that cannot be loaded fails its event; the next event tries again", async () => {
    const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-late-"));
    try {
      const flag = join(dir, "flag");
      const at = start({ bundle: fixture("late"), env: { FLAG: flag } });
      expect(await at.invoke("fn", {})).toMatchObject({
        type: "crashed",
        errorMessage: expect.stringMatching("ENOENT"),
      });
      await writeFile(flag, "here");
      expect(await at.invoke("fn", {})).toEqual({ type: "answered", result: "here" });
      expect(at.stats()["fn"]).toMatchObject({ coldStarts: 2, failures: 1 });
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test("a bundle without a handler is told so", async () => {
    const at = start({ bundle: fixture("no-handler") });
    expect(await at.invoke("fn", {})).toMatchObject({
      type: "crashed",
      errorMessage: expect.stringMatching("exports no handler"),
    });
  });

  test("beyond its concurrency an event is throttled", async () => {
    const at = start({ concurrency: 1 });
    const first = probe(at, { sleepMs: 200 });
    expect(await at.invoke("fn", {})).toEqual({ type: "throttled" });
    await first;
    await probe(at);
    expect(at.stats()["fn"]).toMatchObject({ invocations: 2, throttles: 1 });
  });

  test("stop leaves no process, whatever the sandboxes were doing", async () => {
    const at = start();
    const frozen = await probe(at);
    const busy = at.invoke("fn", { hang: true });
    const other = at.invoke("fn", { hang: true });
    const pids = at.pids("fn");
    expect(pids).toContain(frozen.pid);
    await at.stop();
    expect(pids.map(isGone)).toEqual([true, true]);
    expect(await Promise.all([busy, other])).toMatchObject([{ type: "crashed" }, { type: "crashed" }]);
    expect(await at.invoke("fn", {})).toEqual({ type: "throttled" });
  });
});
