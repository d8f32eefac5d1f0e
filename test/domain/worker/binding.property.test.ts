// GitHub gives n equal jobs to n equal runners as it likes; the number of workers stays the number of jobs.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import { parseWorkerId } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal, isWaiting } from "../../../shared/domain/job/job.ts";
import { advanceByWord } from "../../../shared/domain/job/job-events.ts";
import type { Rebind } from "../../../shared/domain/worker/binding.ts";
import { decideRebind } from "../../../shared/domain/worker/binding.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { draining } from "../../../shared/domain/worker/worker-steps.ts";
import { inAnyOrder } from "../arbitraries.ts";
import { aGithubSide, aJob, aWord, aWorker, aWorkerId, LIMITS, T0 } from "../builders.ts";

type World = { readonly jobs: Map<string, Job>; readonly workers: Map<string, Worker> };
/** `record`: GitHub's word is written. `rebind`: the change is handled, crashes after some writes, is handled again. */
type Move = { readonly kind: "record" | "rebind"; readonly index: number; readonly writes: number };

type Assignment = { readonly runnerOf: number[]; readonly assigned: number[]; readonly moves: Move[] };

const MAX_JOBS = 5;
const ALL_WRITES = 6;

/** Which of n jobs goes to which runner, and how we hear of it: in any order, repeated, with crashes. */
function assignments(): fc.Arbitrary<Assignment> {
  return fc.integer({ min: 2, max: MAX_JOBS }).chain((count) => {
    const all = Array.from({ length: count }, (_, index) => index);
    const move = fc.record({
      kind: fc.constantFrom("record", "rebind" as const),
      index: fc.constantFrom(...all),
      writes: fc.integer({ min: 0, max: ALL_WRITES }),
    });
    return fc.record({
      runnerOf: inAnyOrder(all),
      assigned: fc.subarray(all).chain(inAnyOrder),
      moves: fc.array(move, { maxLength: 16 }),
    });
  });
}

test("every job ends on the runner that GitHub named, every other keeps a worker, and none is too many", () => {
  fc.assert(
    fc.property(assignments(), (assignment) => {
      const world = worldAfter(assignment);
      expectPaired(world);
      expectNamedRunners(world, assignment);
      expect(drained(world)).toEqual([]);
      expect([...world.jobs.values()].filter(isWaiting)).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

// A worker may then be left pointing to a job that has another one; the idle limit ends it.
test("other rebinds between a crash and its repetition: no worker is shared, and a job without one waits again", () => {
  fc.assert(
    fc.property(assignments(), ({ runnerOf, assigned, moves }) => {
      const world = worldOf(runnerOf.length);
      for (const move of moves) {
        if (!assigned.includes(move.index)) continue;
        if (move.kind === "record") record(world, move.index, runnerOf);
        else rebind(world, move.index, move.writes);
      }
      settle(world, runnerOf, assigned);
      expectPaired(world);
      expectNamedRunners(world, { runnerOf, assigned });
      const unserved = [...world.jobs.values()].filter((job) => job.workerId === undefined);
      expect(unserved.every(isWaiting)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("after each decision no job has two workers and no worker two jobs", () => {
  fc.assert(
    fc.property(assignments(), ({ runnerOf, assigned }) => {
      const world = worldOf(runnerOf.length);
      for (const index of assigned) {
        settle(world, runnerOf, [index]);
        expectPaired(world);
      }
    }),
  );
});

test("a decision applied twice is the decision applied once", () => {
  fc.assert(
    fc.property(assignments(), (assignment) => {
      const world = worldAfter(assignment);
      const once = structuredClone(world);
      for (const index of assignment.assigned) rebind(world, index);
      expect(world).toEqual(once);
    }),
  );
});

test("a job that was cancelled is given no worker, and takes none from another job", () => {
  fc.assert(
    fc.property(assignments(), fc.nat(MAX_JOBS - 1), ({ runnerOf, assigned }, cancelled) => {
      const world = worldOf(runnerOf.length);
      const index = cancelled % runnerOf.length;
      const word = { status: "completed", conclusion: "cancelled", workflowJobId: index + 1 } as const;
      const ended = advanceByWord(jobAt(world, index), aWord(word), T0);
      write(world.jobs, ended);
      const others = assigned.filter((other) => other !== index);
      settle(world, runnerOf, others);
      expect(jobAt(world, index)).toBe(ended);
      expectPaired(world);
      expectNamedRunners(world, { runnerOf, assigned: others });
      expect([...world.jobs.values()].filter(isWaiting)).toEqual([]);
    }),
  );
});

function worldOf(count: number): World {
  const world: World = { jobs: new Map(), workers: new Map() };
  for (let index = 0; index < count; index++) {
    const id = workerId(index);
    const job = aJob({ github: aGithubSide({ workflowJobId: index + 1 }), workerId: id });
    write(world.jobs, job);
    write(world.workers, aWorker({ id, jobId: job.id, state: "listening" }));
  }
  return world;
}

function play(world: World, move: Move, runnerOf: number[], assigned: number[]): void {
  if (!assigned.includes(move.index)) return;
  if (move.kind === "record") record(world, move.index, runnerOf);
  else {
    rebind(world, move.index, move.writes);
    rebind(world, move.index);
  }
}

function worldAfter({ runnerOf, assigned, moves }: Assignment): World {
  const world = worldOf(runnerOf.length);
  for (const move of moves) play(world, move, runnerOf, assigned);
  settle(world, runnerOf, assigned);
  return world;
}

/** All words and all rebinds in the end, since changes are handled at least once. */
function settle(world: World, runnerOf: number[], indexes: number[]): void {
  for (const index of indexes) record(world, index, runnerOf);
  for (const index of indexes) rebind(world, index);
}

function record(world: World, index: number, runnerOf: number[]): void {
  const runner = { id: 900 + index, name: workerId(runnerOf[index] ?? 0) };
  const word = aWord({ workflowJobId: index + 1, status: "in_progress", runner, startedAt: T0 + 1 });
  write(world.jobs, advanceByWord(jobAt(world, index), word, T0 + 1));
}

/** What the use case does: reads, decides, writes in this order. */
function rebind(world: World, index: number, writes = ALL_WRITES): void {
  const job = jobAt(world, index);
  const taker = world.workers.get(parseWorkerId(job.github?.runner?.name ?? "") ?? "");
  if (taker === undefined) return;
  const formerId = job.workerId === taker.id ? job.formerWorkerId : job.workerId;
  const displaced = taker.jobId === job.id ? undefined : world.jobs.get(taker.jobId);
  const former = formerId === undefined ? undefined : world.workers.get(formerId);
  const decision = decideRebind({ job, taker, displaced, former });
  const all = writesOf(world, decision, job.id);
  for (const one of all.slice(0, writes)) one();
}

/** Workers are pointed to their jobs before the jobs are told; that the swap is done is written last. */
function writesOf(world: World, { taken, displaced, freed, taker, surplus }: Rebind, id: JobId) {
  return [
    () => write(world.jobs, taken),
    () => write(world.workers, freed),
    () => write(world.jobs, displaced),
    () => write(world.workers, taker),
    () => write(world.workers, surplusOf(world, surplus)),
    () => write(world.jobs, { ...(world.jobs.get(id) as Job), formerWorkerId: undefined }),
  ];
}

function surplusOf({ workers }: World, id: WorkerId | undefined): Worker | undefined {
  const worker = workers.get(id ?? "");
  return worker && draining(worker, "surplus", { now: T0, limits: LIMITS });
}

function drained({ workers }: World): Worker[] {
  return [...workers.values()].filter((worker) => worker.drain !== undefined);
}

function write<Item extends { readonly id: string }>(items: Map<string, Item>, next: Item | undefined): void {
  if (next !== undefined) items.set(next.id, next);
}

/** The job's pointer is the truth, and each worker that serves points back. */
function expectPaired({ jobs, workers }: World): void {
  const open = [...jobs.values()].filter((job) => !isTerminal(job) && job.workerId !== undefined);
  expect(new Set(open.map((job) => job.workerId)).size).toBe(open.length);
  for (const job of open) expect(workers.get(job.workerId ?? "")?.jobId).toBe(job.id);
}

function expectNamedRunners(world: World, { runnerOf, assigned }: Omit<Assignment, "moves">): void {
  for (const index of assigned) {
    expect(jobAt(world, index)).toMatchObject({
      state: "IN_PROGRESS",
      workerId: workerId(runnerOf[index] ?? 0),
    });
  }
}

function jobAt({ jobs }: World, index: number): Job {
  const job = jobs.get(`gh-${index + 1}`);
  if (job === undefined) throw new Error(`no job ${index}`);
  return job;
}

function workerId(index: number): WorkerId {
  return aWorkerId(`npud-t3st00-w${index}`);
}
