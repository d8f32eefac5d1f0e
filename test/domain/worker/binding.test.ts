// Who serves which job after GitHub gave a job to another runner: W1 was started for A, W2 for B, and W1 took B.
import { describe, expect, test } from "vitest";
import { endpointName, tenantId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { RebindView } from "../../../shared/domain/worker/binding.ts";
import { areRivals, canServe, decideRebind, isOutdated } from "../../../shared/domain/worker/binding.ts";
import type { Worker, WorkerState } from "../../../shared/domain/worker/worker.ts";
import { aGithubSide, aJob, aWorker, aWorkerId, T0 } from "../builders.ts";

const [W1, W2, W3] = [aWorkerId("w1"), aWorkerId("w2"), aWorkerId("w3")];
const A = jobOn(1, W1);
const B = inProgressOn(jobOn(2, W2), W1);
const NOTHING = {
  taken: undefined,
  displaced: undefined,
  taker: undefined,
  freed: undefined,
  surplus: undefined,
};

function jobOn(workflowJobId: number, workerId: Job["workerId"]): Job {
  return aJob({ github: aGithubSide({ workflowJobId }), workerId });
}

function inProgressOn(job: Job, runner: string): Job {
  const github = aGithubSide({
    workflowJobId: job.github?.workflowJobId ?? 0,
    status: "in_progress",
    runner: { id: 9, name: runner },
  });
  return { ...job, state: "IN_PROGRESS", github };
}

function workerFor(job: Job, id: Worker["id"], more: Partial<Worker> = {}): Worker {
  return aWorker({ id, jobId: job.id, state: "listening", ...more });
}

function view(more: Partial<RebindView> = {}): RebindView {
  return { job: B, taker: workerFor(A, W1), displaced: A, former: workerFor(B, W2), ...more };
}

describe("W1 took B", () => {
  test("W1 serves B and W2 serves A; B remembers W2 until that is done", () => {
    expect(decideRebind(view())).toMatchObject({
      taken: { id: B.id, workerId: W1, formerWorkerId: W2 },
      displaced: { id: A.id, workerId: W2, state: "IN_QUEUE" },
      taker: { id: W1, jobId: B.id },
      freed: { id: W2, jobId: A.id },
      surplus: undefined,
    });
  });

  test.each([
    ["has another endpoint", { endpoint: endpointName("linux-aarch64-a2-2") }],
    ["is another tenant's", { tenant: tenantId(9) }],
    ["is registered at another organization", { scope: { type: "organization", org: "other" } }],
    ["is registered at a repository", { scope: { type: "repository", owner: "Acme", repo: "kernels" } }],
  ] as const)("A waits again and W2 is surplus when W2 %s", (_why, other) => {
    const rebind = decideRebind(view({ former: workerFor(B, W2, other) }));
    expect(rebind).toMatchObject({
      taken: { workerId: W1 },
      displaced: { workerId: undefined, formerWorkerId: undefined, queuedAt: A.queuedAt },
      freed: undefined,
      surplus: W2,
    });
  });

  test.each<[string, Partial<Worker>]>([
    ["runs a job", { state: "running" }],
    ["has reported its end", { state: "finished" }],
    ["is lost", { state: "lost" }],
    ["is released", { state: "released" }],
    ["serves another job by now", { jobId: jobOn(3, W2).id }],
    ["was asked to drain", { drain: { reason: "idle", at: T0 } }],
  ])("A waits again and W2 is left alone when it %s", (_why, other) => {
    const rebind = decideRebind(view({ former: workerFor(B, W2, other) }));
    expect(rebind).toMatchObject({
      displaced: { workerId: undefined },
      freed: undefined,
      surplus: undefined,
    });
  });

  test("A waits again when B had no worker", () => {
    const unserved = { ...B, workerId: undefined };
    expect(decideRebind(view({ job: unserved, former: undefined }))).toMatchObject({
      taken: { workerId: W1, formerWorkerId: undefined },
      displaced: { workerId: undefined },
      surplus: undefined,
    });
  });

  test("W2 is surplus when A has ended, has another worker, or is not known", () => {
    for (const displaced of [{ ...A, state: "CANCELLED" } as const, { ...A, workerId: W3 }, undefined]) {
      const rebind = decideRebind(view({ displaced }));
      expect(rebind).toMatchObject({ taken: { workerId: W1 }, displaced: undefined, surplus: W2 });
    }
  });
});

describe("B took its own worker", () => {
  test.each([undefined, inProgressOn(jobOn(2, W2), W2)])("nothing changes (%#)", (displaced) => {
    const own = inProgressOn(jobOn(2, W2), W2);
    expect(decideRebind({ job: own, taker: workerFor(own, W2), displaced, former: undefined })).toEqual(
      NOTHING,
    );
  });
});

describe("A was given to W3 in the same moment", () => {
  const assigned = inProgressOn(A, W3);

  test("it takes W2 for now, so that its own rebind can pass W2 on", () => {
    expect(decideRebind(view({ displaced: assigned }))).toMatchObject({
      displaced: { id: A.id, state: "IN_PROGRESS", workerId: W2 },
      freed: { id: W2, jobId: A.id },
      surplus: undefined,
    });
  });

  test("it is left to its own rebind when there is no worker for it", () => {
    expect(decideRebind(view({ displaced: assigned, former: undefined })).displaced).toBeUndefined();
  });
});

describe("after a crash", () => {
  const taken = { ...B, workerId: W1, formerWorkerId: W2 };

  test("before a worker was pointed elsewhere, the rest is the same", () => {
    const { taken: _written, ...rest } = decideRebind(view());
    expect(decideRebind(view({ job: taken }))).toEqual({ ...rest, taken: undefined });
  });

  test("after W2 was pointed to A, and before A was told: A has it, and W2 is not surplus", () => {
    const former = workerFor(A, W2);
    expect(decideRebind(view({ job: taken, former }))).toMatchObject({
      taken: undefined,
      displaced: { id: A.id, workerId: W2 },
      taker: { id: W1, jobId: B.id },
      freed: { id: W2, jobId: A.id },
      surplus: undefined,
    });
  });

  test("after A was told, only W1 is left to be pointed to B", () => {
    const rebind = decideRebind(
      view({ job: taken, displaced: { ...A, workerId: W2 }, former: workerFor(A, W2) }),
    );
    expect(rebind).toMatchObject({ ...NOTHING, taker: { id: W1, jobId: B.id } });
  });

  test("after W2 was given on, it is left alone", () => {
    const former = workerFor(jobOn(3, W2), W2);
    const rebind = decideRebind(view({ job: taken, former }));
    expect(rebind).toMatchObject({
      displaced: { workerId: undefined },
      freed: undefined,
      surplus: undefined,
    });
  });

  test("before W2 was retired, it is surplus still", () => {
    const done = view({ job: taken, taker: workerFor(B, W1), displaced: undefined });
    expect(decideRebind(done)).toEqual({ ...NOTHING, surplus: W2 });
    // W1 points to B by now: B is nobody's displaced job, least of all W2's.
    expect(decideRebind({ ...done, displaced: taken })).toEqual({ ...NOTHING, surplus: W2 });
  });
});

describe("a surplus worker may take a waiting job", () => {
  const here: RunnerScope = { type: "repository", owner: "ann", repo: "kernels" };
  const spare = aWorker({ state: "listening", scope: here });

  test.each<WorkerState>(["reserving", "starting", "booted", "listening"])("while it is %s", (state) => {
    expect(canServe({ ...spare, state }, aJob(), here)).toBe(true);
  });

  test.each<WorkerState>(["running", "finished", "lost", "released"])("not while it is %s", (state) => {
    expect(canServe({ ...spare, state }, aJob(), here)).toBe(false);
  });

  test.each<[string, Job, RunnerScope]>([
    ["of the API", aJob({ origin: "api", github: undefined }), here],
    ["of another endpoint", aJob({ endpoint: endpointName("linux-aarch64-a2-2") }), here],
    ["of another tenant", aJob({ tenant: tenantId(9) }), here],
    ["of another repository", aJob(), { ...here, repo: "models" }],
    ["of another owner", aJob(), { ...here, owner: "bob" }],
    ["of an organization", aJob(), { type: "organization", org: "ann" }],
  ])("not a job %s", (_why, job, scope) => expect(canServe(spare, job, scope)).toBe(false));
});

describe("two runners are rivals when GitHub could give the same jobs to either", () => {
  const one = workerFor(A, W1);
  const other = workerFor(B, W2);

  test("of one endpoint, tenant and place, while neither runs a job", () => {
    expect(areRivals(one, other)).toBe(true);
    expect(areRivals({ ...one, state: "booted" }, { ...other, state: "starting" })).toBe(true);
  });

  test.each<[string, Partial<Worker>]>([
    ["itself", { id: W1 }],
    ["one that runs a job", { state: "running" }],
    ["one that has ended", { state: "finished" }],
    ["the runner of an API job", { kind: "api-runner" }],
    ["one of another endpoint", { endpoint: endpointName("linux-aarch64-a2-2") }],
    ["another tenant's", { tenant: tenantId(9) }],
    ["one at another organization", { scope: { type: "organization", org: "other" } }],
  ])("%s is none", (_which, different) => {
    expect(areRivals(one, { ...other, ...different })).toBe(false);
    expect(areRivals({ ...other, ...different }, one)).toBe(false);
  });
});

describe("of two jobs that name one runner", () => {
  const named = (workflowJobId: number, startedAt: number | undefined, name: string = W1) =>
    aJob({ github: aGithubSide({ workflowJobId, startedAt, runner: { id: 9, name } }) });
  const outdated = (job: Job, displaced: Job | undefined) =>
    isOutdated({ job, displaced, taker: workerFor(job, W1), former: undefined });

  test.each([
    ["the one that it was given before", named(2, T0), named(1, T0 + 1)],
    ["the one without a time", named(2, undefined), named(1, T0)],
    ["of one moment the older one", named(1, T0), named(2, T0)],
    ["without times the older one", named(1, undefined), named(2, undefined)],
  ])("%s is outdated, and not the other", (_which, old, current) => {
    expect([outdated(old, current), outdated(current, old)]).toEqual([true, false]);
  });

  test("none is, where the other names another runner, is not known, is the same, or is not GitHub's", () => {
    const job = named(1, T0);
    const api = aJob({ origin: "api", github: undefined });
    const others = [named(2, T0 + 9, W2), aJob(), undefined, api, named(1, T0 + 9)];
    expect(others.map((other) => outdated(job, other))).toEqual([false, false, false, false, false]);
    expect(outdated(api, named(2, T0))).toBe(false);
  });
});
