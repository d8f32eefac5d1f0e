// Every rule for jobs of the API: broken by hand, it is noticed; kept, it is not.
import { beforeEach, describe, expect, test } from "vitest";
import type { Job } from "../../../shared/domain/job/job.ts";
import { aJob, aWorkerId } from "../../domain/builders.ts";
import type { Container } from "../outside/sim-pool.ts";
import type { Work } from "../outside/sim-worker.ts";
import type { Rule } from "./rules.ts";
import type { ApiWatch } from "./watch-api.ts";
import { createApiWatch } from "./watch-api.ts";

const ID = "5e0c-e1" as Job["id"];
const WORK: Work = { job: ID, retries: 0 };

const NOW = 1_000_000;

let rules: Rule[];
let watch: ApiWatch;

beforeEach(() => {
  rules = [];
  watch = createApiWatch((rule) => rules.push(rule), {
    now: () => NOW,
    isFollowed: false,
    of: () => ({ queuedAt: NOW - 10_000, startedAt: NOW - 8_000 }),
  });
});

describe("a job that has ended", () => {
  test("keeps its result", () => {
    const ended = anApiJob({ state: "COMPLETED" });
    watch.written({ ...ended, version: 2 }, ended);
    expect(rules).toEqual([]);
    watch.written(anApiJob({ state: "COMPLETED" }, { output: { text: "another" } }), ended);
    expect(rules).toEqual(["result-changed"]);
  });

  test("runs again where a client has asked for it, once for each time", () => {
    const failed = anApiJob({ state: "FAILED" });
    const again = anApiJob({ state: "IN_QUEUE" }, { generation: 2, retries: 1 });
    watch.written(again, failed);
    expect(rules).toEqual(["terminal-changed"]);
    watch.asksRetry(ID);
    watch.written(again, failed);
    expect(rules).toHaveLength(1);
    watch.written(anApiJob({ state: "IN_QUEUE" }, { generation: 3, retries: 2 }), failed);
    expect(rules).toHaveLength(2);
  });

  test("does not run again after it was completed", () => {
    watch.asksRetry(ID);
    const again = anApiJob({ state: "IN_QUEUE" }, { generation: 2, retries: 1 });
    watch.written(again, anApiJob({ state: "COMPLETED" }));
    expect(rules).toEqual(["terminal-changed"]);
  });
});

describe("a job that is cancelled", () => {
  const running = anApiJob({ state: "IN_PROGRESS" });
  const cancelled = anApiJob({ state: "CANCELLED" });

  test("was asked to end by a client", () => {
    watch.asksEnd(ID);
    watch.written(cancelled, running);
    expect(rules).toEqual([]);
    expect(watch.wasCalledOff(ID)).toBe(true);
  });

  test("was not ended by itself", () => {
    watch.written(cancelled, running);
    expect(rules).toEqual(["wrong-result"]);
  });
});

describe("a job that has timed out", () => {
  const waiting = anApiJob({ state: "IN_QUEUE" });
  const endedFor = (reason: "queue-timeout" | "execution-timeout", policy: object) =>
    anApiJob({ state: "TIMED_OUT", end: { reason, at: NOW, message: "" } as never }, { policy });

  test("had the time that it was given", () => {
    watch.written(endedFor("queue-timeout", { ttlMs: 10_000 }), waiting);
    watch.written(endedFor("execution-timeout", { executionTimeoutMs: 8_000 }), waiting);
    expect(rules).toEqual([]);
  });

  test("did not end before", () => {
    watch.written(endedFor("queue-timeout", { ttlMs: 600_000 }), waiting);
    watch.written(endedFor("execution-timeout", { executionTimeoutMs: 600_000 }), waiting);
    expect(rules).toEqual(["ended-too-early", "ended-too-early"]);
  });
});

describe("a program", () => {
  const [first, second] = [aContainer("first"), aContainer("second")];

  test("is at work on a job alone", () => {
    watch.programBegan(first, WORK);
    watch.programBegan(second, { job: ID, retries: 1 });
    expect(rules).toEqual([]);
    watch.programBegan(second, WORK);
    expect(rules).toEqual(["ran-twice"]);
  });

  test("may take up what another has left", () => {
    watch.programBegan(first, WORK);
    watch.programEnded(first);
    watch.programBegan(second, WORK);
    expect(rules).toEqual([]);
  });

  test("is heard once in each life of its job", () => {
    watch.programHeard(WORK, "COMPLETED");
    watch.programHeard({ job: ID, retries: 1 }, "FAILED");
    expect(rules).toEqual([]);
    expect(watch.heardOf(WORK)).toBe("COMPLETED");
    watch.programHeard(WORK, "COMPLETED");
    expect(rules).toEqual(["ran-twice"]);
  });
});

function anApiJob(overrides: Partial<Job>, api: object = {}): Job {
  const side = { generation: 1, retries: 0, output: undefined, error: undefined, ...api };
  return aJob({ id: ID, origin: "api", ...overrides, api: side as unknown as NonNullable<Job["api"]> });
}

function aContainer(name: string): Container {
  return { id: aWorkerId(`npud-t3st00-${name}00001`), state: "alive" } as Container;
}
