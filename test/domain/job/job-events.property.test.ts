// Any order, repetition and delay of GitHub's words ends in the same state.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import { advanceByWord, jobFromWord } from "../../../shared/domain/job/job-events.ts";
import { deliveredAnyhow, history } from "../arbitraries.ts";
import { aJob, anEndpoint, aWord, T0, WORKER_ID } from "../builders.ts";

const twoDeliveries = history().chain((words) =>
  fc.tuple(fc.constant(words), deliveredAnyhow(words), deliveredAnyhow(words)),
);

test("the same words in any order and number end in the same state", () => {
  fc.assert(
    fc.property(twoDeliveries, fc.nat(3_600_000), ([, one, other], delayMs) => {
      expect(whatGithubSaid(receive(other, T0 + delayMs))).toEqual(whatGithubSaid(receive(one, T0)));
    }),
    { numRuns: 500 },
  );
});

test("that state is the one of the words in the order in which they happened", () => {
  fc.assert(
    fc.property(twoDeliveries, ([words, anyhow]) => {
      expect(whatGithubSaid(receive(anyhow, T0))).toEqual(whatGithubSaid(receive(words, T0)));
      const { status, runner, conclusion } = words.at(-1) as WorkflowJobWord;
      expect(receive(anyhow, T0).github).toMatchObject({ status, runner, conclusion });
    }),
  );
});

test("every word after the last needed one is a no-op: the very same object", () => {
  fc.assert(
    fc.property(twoDeliveries, ([, one, other]) => {
      const job = receive(one, T0);
      for (const word of other) expect(advanceByWord(job, word, T0 + 1)).toBe(job);
    }),
  );
});

test("a status never goes back, and the version is left to the store", () => {
  fc.assert(
    fc.property(twoDeliveries, ([, words]) => {
      const states = steps(words);
      for (const [index, job] of states.slice(1).entries()) {
        const before = states[index] as Job;
        expect(job.version).toBe(before.version);
        expect(
          ["waiting", "queued", "in_progress", "completed"].indexOf(statusOf(job)),
        ).toBeGreaterThanOrEqual(["waiting", "queued", "in_progress", "completed"].indexOf(statusOf(before)));
      }
    }),
  );
});

describe("terminal states absorb", () => {
  const state = fc.constantFrom("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT" as const);

  test("whatever GitHub says afterwards", () => {
    fc.assert(
      fc.property(state, history(), (ended, words) => {
        const job = aJob({ state: ended });
        for (const word of words) expect(advanceByWord(job, word, T0)).toBe(job);
      }),
    );
  });

  test("and once reached by GitHub's word, they are never left", () => {
    fc.assert(
      fc.property(twoDeliveries, ([, words]) => {
        const states = steps(words);
        const end = states.findIndex(isTerminal);
        if (end >= 0) for (const job of states.slice(end)) expect(job).toBe(states[end]);
      }),
    );
  });
});

test("a question to GitHub stays asked until the job has ended", () => {
  fc.assert(
    fc.property(twoDeliveries, ([, words]) => {
      let job = aJob({ workerId: WORKER_ID, verifyAt: T0 + 9 });
      for (const word of words) job = advanceByWord(job, word, T0);
      expect(job.verifyAt).toBe(isTerminal(job) ? undefined : T0 + 9);
    }),
  );
});

test("two runners of one second: the same one counts in either order", () => {
  const on = (id: number) =>
    aWord({ status: "in_progress", runner: { id, name: `npud-t3st00-r${id}` }, startedAt: T0 });
  fc.assert(
    fc.property(fc.nat(9), fc.nat(9), (a, b) => {
      expect(receive([on(a), on(b)], T0).github).toEqual(receive([on(b), on(a)], T0).github);
    }),
  );
});

function receive(words: readonly WorkflowJobWord[], now: number): Job {
  return steps(words, now).at(-1) as Job;
}

/** The job after each word, the first of which creates it. */
function steps([first, ...rest]: readonly WorkflowJobWord[], now = T0): Job[] {
  const jobs = [jobFromWord(first as WorkflowJobWord, anEndpoint(), now)];
  for (const [index, word] of rest.entries()) jobs.push(advanceByWord(jobs.at(-1) as Job, word, now + index));
  return jobs;
}

function statusOf(job: Job): string {
  return job.github?.status ?? "";
}

/** All that must not depend on the way in which the words came. */
function whatGithubSaid({ state, queuedAt, github, hold, end }: Job) {
  return { state, queuedAt, github, hold, reason: end?.reason, message: end?.message };
}
