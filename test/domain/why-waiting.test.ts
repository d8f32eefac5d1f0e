// Every state before `running` has one code, and a sentence that a person can do something with.
import { describe, expect, test } from "vitest";
import { BOOT_MS } from "../../shared/domain/deadlines.ts";
import { MAX_AHEAD, WAIT_CODES } from "../../shared/domain/wait-view.ts";
import { phaseOf, whyNotServed, whyWaiting } from "../../shared/domain/why-waiting.ts";
import { anApiJob, aRunnerRequest } from "./api-builders.ts";
import { aJob, aWorker, POOL, T0, WORKER_ID } from "./builders.ts";
import { ACME_VIEW, aPoolView, aWaitView, held, NOW, served, WAIT_EXAMPLES } from "./wait-examples.ts";

const codeOf = (view: Parameters<typeof whyWaiting>[0]) => whyWaiting(view)?.code;

test.each(Object.entries(WAIT_EXAMPLES))("%s", (code, view) => {
  const why = whyWaiting(view);
  expect(why).toMatchObject({ code, since: expect.any(Number) });
  // One or two sentences, and none of them with a hole in it.
  expect(why?.message).toMatch(/^[A-Z"].*[.!?]$/);
  expect(why?.message).not.toMatch(/undefined|NaN|\.\.|\[object/);
  expect(why?.message.length).toBeLessThan(260);
});

test("each code has an example, labels that no endpoint serves too", () => {
  const near = whyNotServed('no endpoint has "linux-arm64-npu1"; did you mean "linux-arm64-npu-1"?', T0);
  expect(near).toMatchObject({ code: "labels-not-served", since: T0 });
  expect(new Set([near.code, ...Object.keys(WAIT_EXAMPLES)])).toEqual(new Set(WAIT_CODES));
});

test.each([
  ["running at GitHub", aJob({ state: "IN_PROGRESS" })],
  ["a program's", anApiJob({ state: "IN_PROGRESS", workerId: WORKER_ID })],
  ["ended", aJob({ state: "COMPLETED" })],
])("a job that is %s waits for nothing", (_name, job) => {
  expect(whyWaiting(aWaitView({ job }))).toBeUndefined();
});

test("a runner that prints `Running job` runs it, before GitHub's word comes", () => {
  const view = served({ state: "running", phases: { listening: T0, running: T0 } });
  expect([whyWaiting(view), phaseOf(view.job, view.worker)]).toEqual([undefined, "running"]);
});

describe("the line", () => {
  test("says the place, and what the pool has", () => {
    const job = aJob({ cards: 4 });
    const why = whyWaiting(aWaitView({ job, pool: aPoolView({ free: 1 }), ahead: 2 }));
    expect(why).toMatchObject({ place: 3, ahead: 2, cards: { needed: 4, free: 1, total: 8 } });
    expect(why?.message).toBe(
      `It needs 4 cards; 1 of 8 in pool "${POOL}" are free. 2 of its tenant's jobs are before it.`,
    );
  });

  test("is not counted beyond a hundred", () => {
    const why = whyWaiting(aWaitView({ pool: aPoolView({ free: 0 }), ahead: MAX_AHEAD + 1 }));
    expect(why).toMatchObject({ ahead: MAX_AHEAD });
    expect(why).not.toHaveProperty("place");
    expect(why?.message).toContain("more than 100");
  });

  test("that has not moved though cards are free: no machine has them together", () => {
    expect(codeOf(aWaitView({ now: T0 + 10 * 60_000 }))).toBe("not-its-turn");
    expect(codeOf(aWaitView({ now: T0 + 60_000 }))).toBe("about-to-start");
  });
});

describe("the first obstacle counts", () => {
  test("a held job before all else", () => {
    const view = held("environment-gate", "waits for an approval");
    expect(codeOf({ ...view, limits: undefined, pool: undefined })).toBe("environment-gate");
  });

  test("a quota before a full pool, a pool that is away before GitHub's limit", () => {
    const tenant = { ...ACME_VIEW, maxWorkers: 2 };
    const github = { left: 0, until: undefined };
    const full = aPoolView({ free: 0, ofTenant: { cards: 2, workers: 2 } });
    expect(codeOf(aWaitView({ tenant, pool: full, github }))).toBe("quota-reached");
    const away = aPoolView({ free: 0, unavailableUntil: NOW + 1 });
    expect(codeOf(aWaitView({ pool: away, github }))).toBe("pool-unavailable");
    expect(codeOf(aWaitView({ pool: aPoolView({ unavailableUntil: NOW }) }))).toBe("about-to-start");
  });

  test("a job larger than its quota can ever be is told so", () => {
    const tenant = { ...ACME_VIEW, maxCards: 2 };
    const why = whyWaiting(aWaitView({ tenant, job: aJob({ cards: 4 }) }));
    expect(why?.message).toContain("may hold 2 of pool");
  });

  test("a pause comes before anything in the pool, and names a tenant that is not known by its id", () => {
    const { paused } = WAIT_EXAMPLES["tenant-paused"];
    const view = aWaitView({ paused, tenant: undefined, pool: aPoolView({ free: 0 }), ahead: 2 });
    expect(whyWaiting(view)).toMatchObject({
      code: "tenant-paused",
      message: expect.stringMatching(/^"4711"/),
      place: 3,
    });
    expect(codeOf({ ...view, pool: undefined })).toBe("pool-removed");
  });

  test("cards in quarantine may make a pool too small", () => {
    const why = whyWaiting(aWaitView({ job: aJob({ cards: 8 }), pool: aPoolView({ usable: 7, free: 7 }) }));
    expect(why).toMatchObject({
      code: "larger-than-pool",
      message: expect.stringContaining("1 of them in quarantine"),
    });
  });
});

describe("its worker", () => {
  test("a boot is waited for up to the endpoint's limit, a removed endpoint has none", () => {
    const view = WAIT_EXAMPLES.booting;
    expect(whyWaiting(view)).toMatchObject({ until: T0 + BOOT_MS });
    expect(whyWaiting({ ...view, limits: undefined })).not.toHaveProperty("until");
  });

  test("that cannot register waits for GitHub", () => {
    const view = { ...WAIT_EXAMPLES.registering, github: { left: 0, until: NOW + 9 } };
    expect(whyWaiting(view)).toMatchObject({ code: "github-limit", until: NOW + 9 });
  });

  test("of an API job listens for its label", () => {
    const job = anApiJob({ state: "IN_PROGRESS", workerId: WORKER_ID }, { runner: aRunnerRequest() });
    const worker = aWorker({
      kind: "api-runner",
      state: "listening",
      jobId: job.id,
      phases: { listening: T0 },
    });
    expect(whyWaiting(aWaitView({ job, worker }))?.message).toContain("npud-job-abcdefghijkl");
    expect(phaseOf(job, worker)).toBe("listening");
  });

  test("that serves another job by now, or is not to be found, is being made good", () => {
    expect(codeOf(served({ state: "booted", jobId: anApiJob().id }))).toBe("settling");
    expect(codeOf({ ...WAIT_EXAMPLES.booting, worker: undefined })).toBe("starting");
  });
});
