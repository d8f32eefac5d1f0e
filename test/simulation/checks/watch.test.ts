// Every invariant that is watched at each step: broken by hand, it is noticed; kept, it is not.
import { beforeEach, describe, expect, test } from "vitest";
import type { WorkerId } from "../../../shared/domain/ids.ts";
import { reserve } from "../../../shared/domain/pool/pool.ts";
import { aJob, aPool, aWorker, aWorkerId, POOL, TENANT } from "../../domain/builders.ts";
import { SECRET } from "../outside/github-calls.ts";
import type { SimJob, SimRunner } from "../outside/github-things.ts";
import type { Container } from "../outside/sim-pool.ts";
import type { AtWork, Watch } from "./watch.ts";
import { createWatch } from "./watch.ts";

const HOUR_MS = 3_600_000;
const FIRST = aWorkerId("npud-t3st00-first00001");
const SECOND = aWorkerId("npud-t3st00-second0001");

let now = 0;
let watch: Watch;
let forgotten: WorkerId | undefined;
let elsewhere: WorkerId | undefined;
let isAway: boolean;

beforeEach(() => {
  now = 1_000;
  forgotten = undefined;
  elsewhere = undefined;
  isAway = false;
  watch = createWatch({
    now: () => now,
    executionMs: HOUR_MS,
    isFollowed: false,
    isForgotten: (id) => id === forgotten,
    mayRun: (id) => id !== elsewhere,
    isAway: () => isAway,
    onBroken: () => {},
  });
});

const rules = () => watch.violations.map(({ rule }) => rule);

describe("a job", () => {
  test("that has ended keeps its end", () => {
    const ended = aJob({ state: "COMPLETED" });
    watch.job({ ...ended, version: 2 }, ended);
    expect(rules()).toEqual([]);
    watch.job({ ...ended, version: 3, state: "FAILED" }, ended);
    expect(rules()).toEqual(["terminal-changed"]);
  });

  test("that is open has a time at which it is looked at", () => {
    watch.job(aJob(), undefined);
    watch.job(aJob({ state: "FAILED" }), undefined);
    expect(rules()).toEqual([]);
    watch.job(aJob({ origin: "api", github: undefined }), undefined);
    expect(rules()).toEqual(["never-due"]);
  });

  test("that GitHub has given away is not started again", () => {
    const waiting = aJob();
    watch.job({ ...waiting, starts: 1, workerId: FIRST }, waiting);
    expect(rules()).toEqual([]);
    const running = aJob({ state: "IN_PROGRESS", starts: 1 });
    watch.job({ ...running, starts: 2, workerId: SECOND }, running);
    expect(rules()).toEqual(["started-again"]);
  });

  test("has two workers for the moment of a rebind only", () => {
    const [first, second] = [aWorker({ id: FIRST }), aWorker({ id: SECOND })];
    watch.worker(first, undefined);
    watch.worker(second, undefined);
    watch.tick();
    expect(rules()).toEqual([]);
    now += HOUR_MS;
    watch.tick();
    expect(rules()).toEqual(["two-workers"]);
  });

  test("and the dispatcher has the time for that from when it is back", () => {
    for (const id of [FIRST, SECOND]) watch.worker(aWorker({ id }), undefined);
    isAway = true;
    now += HOUR_MS;
    watch.tick();
    isAway = false;
    watch.tick();
    expect(rules()).toEqual([]);
    now += HOUR_MS;
    watch.tick();
    expect(rules()).toEqual(["two-workers"]);
  });

  test("has one when GitHub has given the other's runner another job", () => {
    for (const id of [FIRST, SECOND]) watch.worker(aWorker({ id, registered: true }), undefined);
    elsewhere = FIRST;
    now += HOUR_MS;
    watch.tick();
    expect(rules()).toEqual([]);
    elsewhere = undefined;
    watch.tick();
    expect(rules()).toEqual(["two-workers"]);
  });

  test("has one again when the other is told to drain", () => {
    const second = aWorker({ id: SECOND });
    watch.worker(aWorker({ id: FIRST }), undefined);
    watch.worker(second, undefined);
    watch.worker({ ...second, drain: { reason: "surplus", at: now } }, second);
    now += HOUR_MS;
    watch.tick();
    expect(rules()).toEqual([]);
  });
});

describe("cards", () => {
  test("are not more than there are", () => {
    watch.started(aContainer(FIRST, [0, 1]), []);
    expect(rules()).toEqual([]);
    watch.started(aContainer(SECOND, [1]), [aContainer(FIRST, [0, 1])]);
    expect(rules()).toEqual(["cards-exceeded", "card-shared"]);
  });

  test("of a container without a record and of one that came back are nobody's", () => {
    forgotten = FIRST;
    watch.started(aContainer(SECOND, [0]), [
      aContainer(FIRST, [0]),
      { ...aContainer(SECOND, [0]), isRevenant: true },
    ]);
    expect(rules()).toEqual([]);
  });

  test("are not given away twice in the ledger", () => {
    const pool = reserve(aPool({ total: 2 }), FIRST, { tenant: TENANT, cards: 1, slots: [0] }, now);
    watch.pool(pool);
    expect(rules()).toEqual([]);
    watch.pool(reserve(pool, SECOND, { tenant: TENANT, cards: 1, slots: [0] }, now));
    watch.pool(reserve(pool, SECOND, { tenant: TENANT, cards: 2, slots: [1] }, now));
    expect(rules()).toEqual(["ledger-exceeded", "ledger-exceeded"]);
  });
});

describe("a worker that is stopped", () => {
  const container = aContainer(FIRST, [0]);

  test("may not run a job", () => {
    watch.stopped(
      container,
      aWorker({ state: "running", phases: { running: now } }),
      running({ hasBegun: true }),
    );
    expect(rules()).toEqual(["running-killed"]);
  });

  test("may not before its limit, whatever the clock that its record was written by said", () => {
    const record = aWorker({ id: FIRST, state: "running", phases: { running: now - HOUR_MS } });
    watch.worker(record, undefined);
    watch.stopped(container, record, running({ hasBegun: true }));
    expect(rules()).toEqual(["running-killed"]);
  });

  test("may at its execution limit, when it idles, and when its runner has not begun", () => {
    const record = aWorker({ id: FIRST, state: "running", phases: { running: now } });
    watch.worker(record, undefined);
    now += HOUR_MS;
    watch.stopped(container, record, running({ hasBegun: true }));
    watch.stopped(container, undefined, running(undefined));
    watch.stopped(container, undefined, running({ hasBegun: false }));
    watch.stopped(container, undefined, { runner: undefined, work: undefined });
    expect(rules()).toEqual([]);
  });
});

test("a secret in a record, in part of one, or in a line of the log is seen", () => {
  watch.seen("a line", { message: "nothing" });
  const clean = aWorker();
  watch.worker({ ...clean, runningJobName: SECRET }, clean);
  watch.seen("a line", { error: { cause: `x ${SECRET}-1 y` } });
  expect(rules()).toEqual(["secret-in-clear", "secret-in-clear"]);
});

function aContainer(id: WorkerId, slots: readonly number[]): Container {
  const about = {
    endpoint: "e",
    tenant: "t",
    image: undefined,
    command: undefined,
    env: {},
    limitMs: HOUR_MS,
  };
  return {
    id,
    spec: { workerId: id, cards: slots.length, slots, ...about },
    startedAt: 0,
    state: "alive",
    end: undefined,
    stoppingUntil: undefined,
    pool: { name: POOL, cards: 2, nodes: undefined, maxWorkers: undefined },
    node: undefined,
    isRevenant: false,
    twin: undefined,
  };
}

function running(job: Pick<SimJob, "hasBegun"> | undefined): AtWork {
  return { runner: aRunner(job), work: undefined };
}

/** Connected, with this job of GitHub's or none. */
function aRunner(job: Pick<SimJob, "hasBegun"> | undefined): SimRunner {
  const host = { run() {}, end() {}, removed() {} };
  const scope = { type: "organization", org: "Acme" } as const;
  const base = { id: 1, name: FIRST, scope, labels: new Set<string>(), createdAt: 0, host, changedAt: 0 };
  return { ...base, job: job === undefined ? undefined : (job as SimJob) };
}
