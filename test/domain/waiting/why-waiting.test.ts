// Every state before `running` has one code, and a sentence that a person can do something with.
import { describe, expect, test } from "vitest";
import { BOOT_MS, PREPARE_MS, RESUME_START_MS } from "../../../shared/domain/deadlines.ts";
import { WAIT_CODES } from "../../../shared/domain/waiting/wait-view.ts";
import { phaseOf, whyNotServed, whyWaiting } from "../../../shared/domain/waiting/why-waiting.ts";
import { aJob, aWorker, POOL, T0, WORKER_ID } from "../builders.ts";
import { anApiJob, aRunnerRequest } from "../job/api-builders.ts";
import { ACME_VIEW, aPoolView, aWaitView, held, NOW, served, WAIT_EXAMPLES } from "./wait-examples.ts";

const HELD = aJob({ hold: { reason: "not-assigned", message: "none", until: undefined } });
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

  test("a pause says what of, in the operator's words", () => {
    const began = (code: "pool-paused" | "tenant-paused" | "endpoint-paused") =>
      whyWaiting(WAIT_EXAMPLES[code])?.message.split(":")[0];
    expect(began("pool-paused")).toBe(`Pool "${POOL}" is paused by the operator`);
    expect(began("tenant-paused")).toBe(`"${ACME_VIEW.login}" is paused by the operator`);
    const endpoint = `Endpoint "${aJob().endpoint}" is being drained by the operator`;
    expect(began("endpoint-paused")).toBe(endpoint);
  });

  test("a tenant that is not known has no quota", () => {
    const held = aPoolView({ ofTenant: { cards: 8, workers: 9 } });
    expect(codeOf(aWaitView({ tenant: undefined, pool: held }))).toBe("about-to-start");
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

  test("is asked of the pool once more when that takes too long, with or without its record", () => {
    const { starting } = WAIT_EXAMPLES;
    expect(whyWaiting(starting)).toMatchObject({ until: T0 + RESUME_START_MS });
    for (const worker of [starting.worker, undefined]) {
      const message = expect.stringContaining("the pool is asked to start its worker");
      expect(whyWaiting({ ...starting, worker })).toMatchObject({ code: "starting", message });
    }
  });

  test.each(["finished", "lost", "released"] as const)("that is %s leaves its job queued", (state) => {
    const view = served({ state });
    expect([codeOf(view), phaseOf(view.job, view.worker)]).toEqual(["settling", "queued"]);
  });

  test("is a reason, too, why a job that ran shows no end: GitHub is asked how it ended", () => {
    const ran = { state: "IN_PROGRESS", github: aJob().github } as const;
    for (const view of [served({ state: "finished" }, {}, ran), served({ state: "lost" }, {}, ran)]) {
      expect([codeOf(view), phaseOf(view.job, view.worker)]).toEqual(["settling", "running"]);
    }
    expect(whyWaiting(served({ state: "running" }, {}, ran))).toBeUndefined();
    expect(whyWaiting({ ...served({}, {}, ran), worker: undefined })).toBeUndefined();
  });

  test("that has ended, of a job whose start nobody wrote down, counts from when it was queued", () => {
    const view = served({ state: "finished" }, {}, { queuedAt: T0 + 5, phases: {} });
    expect(whyWaiting(view)).toMatchObject({ code: "settling", since: T0 + 5 });
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

  test("that registers while GitHub's limit is used up is told no time where none is known", () => {
    const view = { ...WAIT_EXAMPLES.registering, github: { left: 0, until: undefined } };
    expect(codeOf(view)).toBe("github-limit");
    expect(whyWaiting(view)).not.toHaveProperty("until");
    expect(codeOf({ ...view, github: undefined })).toBe("registering");
  });

  test("that has gone further than the record of its job is as far as its own says", () => {
    expect(phaseOf(aJob({ workerId: WORKER_ID }), aWorker({ phases: { running: T0 } }))).toBe("running");
    const program = aWorker({ kind: "program", jobId: anApiJob().id, phases: { running: T0 } });
    expect(phaseOf(anApiJob({ workerId: WORKER_ID }), program)).toBe("listening");
  });
});

test("a program checks no cards: it gets ready", () => {
  const ready = { ...WAIT_EXAMPLES.preflight, worker: aWorker({ kind: "program", state: "booted" }) };
  expect(whyWaiting(ready)).toMatchObject({
    code: "preflight",
    message: expect.stringContaining("gets ready"),
  });
  const { preflight, registering } = WAIT_EXAMPLES;
  const message = expect.stringContaining("cards are healthy");
  expect(whyWaiting(preflight)).toMatchObject({ message, until: T0 + PREPARE_MS });
  const one = { ...registering, github: { left: 1, until: NOW } };
  expect(whyWaiting(one)).toMatchObject({ code: "registering", until: T0 + PREPARE_MS });
});

test.each([
  ["card 3 is busy", "Card 3 is busy. It is tried again"],
  ["Card 3 is busy!", "Card 3 is busy! It is tried again"],
  ["no card (busy)", "No card (busy) It is tried again"],
])("the reason of a hold is a sentence of its own: %s", (message, expected) => {
  expect(whyWaiting(held("start-backoff", message))?.message).toContain(expected);
});

describe("since when", () => {
  const at = T0 + 1_000;
  const starting = { phases: { starting: at } };

  test.each([
    ["held: since the hold began", aWaitView({ job: { ...HELD, phases: { held: at } } })],
    ["starting: since the claim", served({ state: "reserving" }, {}, starting)],
    ["booting", served({ state: "starting", phases: { booting: at } })],
    ["preflight", served({ state: "booted", phases: { booting: T0, preflight: at } })],
    ["registering", served({ state: "booted", phases: { preflight: T0, registering: at } })],
    ["listening", served({ state: "listening", phases: { registering: T0, listening: at } })],
    [
      "settling: since the worker ended under a job that ran",
      served({ state: "lost", phases: { done: at } }, {}, { state: "IN_PROGRESS" }),
    ],
    ["settling: since its worker ended", served({ state: "finished", phases: { done: at } })],
  ])("%s", (_phase, view) => expect(whyWaiting(view)?.since).toBe(at));

  test.each([
    ["the hold", aWaitView({ job: { ...HELD, createdAt: at, phases: {} } })],
    ["the claim", served({ state: "reserving" }, {}, { queuedAt: at, phases: {} })],
    ["the boot", served({ state: "starting" }, {}, starting)],
    ["the preflight", served({ state: "booted" }, {}, starting)],
    ["the listening", served({ state: "listening" }, {}, starting)],
    ["the end", served({ state: "lost" }, {}, starting)],
  ])("a record without the time of %s counts from the step before it", (_what, view) => {
    expect(whyWaiting(view)?.since).toBe(at);
  });
});
