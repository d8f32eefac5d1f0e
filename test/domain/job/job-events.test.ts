// One word of GitHub moves a job one step, or not at all.
import { describe, expect, test } from "vitest";
import { ADMIT_MS, EXECUTION_MS, GATE_CHECK_MS } from "../../../shared/domain/deadlines.ts";
import { rank } from "../../../shared/domain/github-event.ts";
import { isWaiting } from "../../../shared/domain/job/job.ts";
import { advanceByWord, jobFromWord, takenBack } from "../../../shared/domain/job/job-events.ts";
import { aGithubSide, aJob, anEndpoint, aWord, T0, WORKER_ID } from "../builders.ts";

const NOW = T0 + 5_000;
const runner = { id: 900, name: WORKER_ID };
const assigned = aWord({ status: "in_progress", runner, startedAt: T0 + 4_000 });

test("GitHub's statuses have an order", () => {
  expect(
    (["completed", "queued", "waiting", "in_progress"] as const).toSorted((a, b) => rank(a) - rank(b)),
  ).toEqual(["waiting", "queued", "in_progress", "completed"]);
});

describe("a first word creates the job", () => {
  test("queued: it waits in its lane, at the place of GitHub's time", () => {
    const job = jobFromWord(aWord(), anEndpoint(), NOW);
    expect(job).toEqual(aJob({ createdAt: NOW, admitAt: NOW + ADMIT_MS, phases: { queued: NOW } }));
    expect(job.queuedAt).toBe(T0);
    expect(isWaiting(job)).toBe(true);
  });

  test("waiting: it is held until GitHub queues it", () => {
    const job = jobFromWord(aWord({ status: "waiting" }), anEndpoint(), NOW);
    expect(job).toMatchObject({
      version: 1,
      state: "IN_QUEUE",
      hold: {
        reason: "environment-gate",
        message: expect.stringContaining("environment"),
        until: undefined,
      },
      phases: { held: NOW },
      verifyAt: NOW + GATE_CHECK_MS,
      github: aGithubSide({ status: "waiting" }),
      admitAt: NOW + ADMIT_MS,
    });
    const queued = advanceByWord(job, aWord(), NOW + 9);
    expect(queued).toMatchObject({
      hold: undefined,
      admitAt: NOW + 9 + ADMIT_MS,
      phases: { held: NOW, queued: NOW + 9 },
      verifyAt: undefined,
    });
    expect(isWaiting(queued)).toBe(true);
  });

  test("in progress, its queued lost", () => {
    expect(jobFromWord(assigned, anEndpoint(), NOW)).toMatchObject({
      version: 1,
      state: "IN_PROGRESS",
      hold: undefined,
      phases: { running: NOW },
      github: { status: "in_progress", runner },
    });
  });

  test("completed, all before it lost", () => {
    const word = aWord({ status: "completed", conclusion: "success", runner });
    expect(jobFromWord(word, anEndpoint(), NOW)).toMatchObject({ version: 1, state: "COMPLETED" });
  });
});

describe("the end of a workflow job", () => {
  test.each([
    ["success", runner, "COMPLETED", "succeeded"],
    ["neutral", runner, "COMPLETED", "succeeded"],
    ["failure", runner, "FAILED", "workflow-job-failed"],
    ["action_required", undefined, "FAILED", "workflow-job-failed"],
    [undefined, undefined, "FAILED", "workflow-job-failed"],
    [undefined, runner, "FAILED", "workflow-job-failed"],
    ["skipped", undefined, "CANCELLED", "skipped"],
    ["cancelled", undefined, "CANCELLED", "cancelled-before-pickup"],
    ["cancelled", runner, "CANCELLED", "workflow-job-cancelled"],
    ["timed_out", runner, "TIMED_OUT", "execution-timeout"],
  ] as const)("%s on %o: %s, %s", (conclusion, on, state, reason) => {
    const word = aWord({ status: "completed", conclusion, runner: on });
    const job = advanceByWord(aJob({ hold: undefined, verifyAt: T0 + 1 }), word, NOW);
    expect(job).toMatchObject({
      state,
      end: { reason, at: NOW },
      phases: { queued: T0, done: NOW },
      hold: undefined,
      verifyAt: undefined,
    });
    expect(job.end?.message).toBe(
      `GitHub: ${conclusion ?? "completed"}${on === undefined ? ", no runner took it" : ` on ${on.name}`}`,
    );
  });

  test("keeps the pointer to its worker, which is still to be retired", () => {
    const word = aWord({ status: "completed", conclusion: "cancelled" });
    expect(advanceByWord(aJob({ workerId: WORKER_ID }), word, NOW).workerId).toBe(WORKER_ID);
  });
});

test("one that failed after its worker was lost says what its pool knows of that", () => {
  const job = aJob({ workerId: WORKER_ID, broken: { reason: "worker-lost", message: "it was evicted" } });
  const end = (conclusion: "failure" | "cancelled" | "success") =>
    advanceByWord(job, aWord({ status: "completed", conclusion, runner }), NOW);
  const lost = { reason: "worker-lost", message: `GitHub: failure on ${runner.name}; it was evicted` };
  expect(end("failure")).toMatchObject({ state: "FAILED", end: lost });
  // By somebody who lost patience, while its runner was gone.
  expect(end("cancelled")).toMatchObject({ state: "CANCELLED", end: { reason: "worker-lost" } });
  expect(end("success").end).toMatchObject({
    reason: "succeeded",
    message: `GitHub: success on ${runner.name}`,
  });
});

test("one that GitHub took back from a runner that never picked it up waits in its old place", () => {
  const queued = aJob({ workerId: WORKER_ID, verifyAt: T0, phases: { held: T0, queued: T0 } });
  const given = advanceByWord(queued, assigned, NOW);
  const job = takenBack(given, aWord(), NOW + 9);
  expect(job).toMatchObject({
    state: "IN_QUEUE",
    workerId: undefined,
    verifyAt: undefined,
    admitAt: NOW + 9 + ADMIT_MS,
    queuedAt: given.queuedAt,
    github: aGithubSide(),
  });
  expect(job.phases).toEqual({ held: T0, queued: NOW + 9 });
  expect(isWaiting(job)).toBe(true);
});

describe("a word that says nothing new changes nothing", () => {
  const inProgress = advanceByWord(aJob(), assigned, NOW);
  test.each([
    ["repeated", inProgress, assigned],
    ["late", inProgress, aWord()],
    ["late by two", inProgress, aWord({ status: "waiting" })],
    [
      "repeated gate",
      jobFromWord(aWord({ status: "waiting" }), anEndpoint(), T0),
      aWord({ status: "waiting" }),
    ],
    ["repeated queued, held for another reason", aJob({ hold: backoff() }), aWord()],
    ["no runner", inProgress, aWord({ status: "in_progress", startedAt: T0 + 9_000 })],
    ["no start", inProgress, aWord({ status: "in_progress", runner: { id: 1, name: "other" } })],
    ["after the end", aJob({ state: "CANCELLED" }), assigned],
    ["not a workflow job", aJob({ origin: "api", github: undefined }), assigned],
  ])("%s", (_why, job, word) => expect(advanceByWord(job, word, NOW)).toBe(job));

  function backoff() {
    return { reason: "start-backoff", message: "the pool refused", until: T0 + 9 } as const;
  }
});

describe("in progress", () => {
  test("ends the hold and keeps the place of the job", () => {
    const held = aJob({ hold: { reason: "start-failed", message: "no image", until: T0 + 9 }, queuedAt: T0 });
    expect(advanceByWord(held, assigned, NOW)).toMatchObject({
      state: "IN_PROGRESS",
      hold: undefined,
      queuedAt: T0,
      phases: { queued: T0, running: NOW },
    });
  });

  test("on a second runner: the later start counts, whichever word comes first", () => {
    const other = { id: 901, name: "npud-t3st00-other" };
    const later = aWord({ status: "in_progress", runner: other, startedAt: T0 + 64_000 });
    const inOrder = advanceByWord(advanceByWord(aJob(), assigned, NOW), later, NOW);
    const inReverse = advanceByWord(advanceByWord(aJob(), later, NOW), assigned, NOW);
    expect(inOrder.github).toMatchObject({ runner: other, startedAt: T0 + 64_000 });
    expect(inReverse.github).toEqual(inOrder.github);
  });

  test("of two that started in one second, or without a time, the higher id counts; an earlier start never", () => {
    const on = (id: number, startedAt?: number) =>
      aWord({ status: "in_progress", runner: { id, name: `w${id}` }, startedAt });
    const last = (...words: ReturnType<typeof aWord>[]) =>
      words.reduce((job, word) => advanceByWord(job, word, NOW), aJob()).github?.runner?.id;
    expect([last(on(1, T0), on(2, T0)), last(on(2, T0), on(1, T0))]).toEqual([2, 2]);
    expect([last(on(1), on(2)), last(on(2), on(1))]).toEqual([2, 2]);
    expect([last(on(1, T0 + 1), on(2, T0)), last(on(2, T0), on(1, T0 + 1))]).toEqual([1, 1]);
    expect([last(on(1, T0), on(2)), last(on(2), on(1, T0))]).toEqual([1, 1]);
  });

  test("names a runner after a word that named none", () => {
    const nameless = advanceByWord(aJob(), aWord({ status: "in_progress", startedAt: T0 + 4_000 }), NOW);
    expect(advanceByWord(nameless, assigned, NOW).github?.runner).toEqual(runner);
  });

  test("names the runner that has a start time after one that has none", () => {
    const early = advanceByWord(
      aJob(),
      aWord({ status: "in_progress", runner: { id: 999, name: "w" } }),
      NOW,
    );
    expect(advanceByWord(early, assigned, NOW).github?.runner).toEqual(runner);
  });

  test("late, after its worker ended: GitHub is still asked, or a lost completed would leave it open for ever", () => {
    const asked = aJob({ workerId: WORKER_ID, verifyAt: T0 + 20_000 });
    expect(advanceByWord(asked, assigned, NOW).verifyAt).toBe(T0 + 20_000);
  });

  test("a question that was far off gives way to the time that a job may run", () => {
    const asked = aJob({ workerId: WORKER_ID, verifyAt: NOW + EXECUTION_MS });
    expect(advanceByWord(asked, assigned, NOW).verifyAt).toBeUndefined();
  });
});
