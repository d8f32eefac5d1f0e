// The bound on a wait in vain, in a small world: kept from a job that could start, it is noticed; with a reason, it is not.
import { expect, test } from "vitest";
import { HEARTBEAT_LOST_MS } from "../../../shared/domain/deadlines.ts";
import { githubJobId, poolName } from "../../../shared/domain/ids.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { buried } from "../../../shared/domain/worker/adoption.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { aJob, aPool, aWorker, TENANT, WORKER_ID } from "../../domain/builders.ts";
import type { SimJob } from "../outside/github-things.ts";
import { workflowJob } from "../outside/workflow-job.ts";
import { labelsFor, REPOSITORIES, sceneWith } from "../scenery.ts";
import type { World } from "../world.ts";
import { createPatience } from "./patience.ts";
import type { Rule } from "./rules.ts";

const MINUTE = 60_000;
const POOL = poolName("a2");
const ENDPOINT = "linux-aarch64-a2-1" as Worker["endpoint"];

test("nobody there, room, and no fault for half an hour: it waits in vain", () => {
  expect(brokenAfter(29)).toEqual([]);
  expect(brokenAfter(31)).toEqual(["waits-in-vain"]);
});

test("since the last fault: half an hour from there on", () => {
  expect(brokenAfter(45, { calmSince: 20 * MINUTE })).toEqual([]);
  expect(brokenAfter(51, { calmSince: 20 * MINUTE })).toEqual(["waits-in-vain"]);
});

test.each([
  ["while a fault lasts", { calmSince: undefined }],
  ["while the dispatcher is away", { isAway: true }],
  ["where the pool is full", { used: 8 }],
  ["unheard of", { isKnown: false }],
  ["with a worker that listens", { worker: aWorker({ endpoint: ENDPOINT, state: "listening" }) }],
  ["with a worker that is silent, and may run it", { worker: ownWorker(-HEARTBEAT_LOST_MS) }],
  ["with a worker whose record was lost", { claimedBy: WORKER_ID }],
  [
    "with one that was stopped since it had none",
    { claimedBy: WORKER_ID, former: buried(WORKER_ID, POOL, 0) },
  ],
])("%s it may wait", (_, given) => {
  expect(brokenAfter(60, given)).toEqual([]);
});

test("a worker that has ended for another job is not there for it", () => {
  const former = aWorker({ state: "released" });
  expect(brokenAfter(31, { claimedBy: WORKER_ID, former })).toEqual(["waits-in-vain"]);
});

test("a worker that pings and runs another job is not there for it", () => {
  expect(brokenAfter(31, { worker: ownWorker(60 * MINUTE) })).toEqual(["waits-in-vain"]);
});

type Given = {
  readonly calmSince?: number | undefined;
  readonly isAway?: boolean;
  readonly used?: number;
  readonly isKnown?: boolean;
  readonly worker?: Worker;
  readonly claimedBy?: Worker["id"];
  /** It lives no more. */
  readonly former?: Worker;
};

/** One workflow job waits for one card from 0 on; looked at each minute. */
function brokenAfter(minutes: number, given: Given = {}): Rule[] {
  const rules: Rule[] = [];
  let now = 0;
  const world = aWorld(given, () => now, rules);
  const look = createPatience(world);
  for (; now <= minutes * MINUTE && rules.length === 0; now += MINUTE) look();
  return rules;
}

function aWorld(given: Given, now: () => number, rules: Rule[]): World {
  const job = aWaitingJob();
  const id = githubJobId(job.id);
  const { used = 0, isKnown = true, isAway = false, worker, claimedBy, former } = given;
  const living = worker === undefined ? [] : [{ id: WORKER_ID, spec: { cards: 1 } }];
  const jobs: [Job["id"], Job][] = isKnown ? [[id, aJob({ id, workerId: claimedBy })]] : [];
  const calmSince = "calmSince" in given ? given.calmSince : 0;
  const busy = { living: () => [...living, ...(used > 0 ? [{ spec: { cards: used } }] : [])] };
  const world = {
    scene: sceneWith([]),
    timeline: { now },
    weather: { calmSince },
    dispatcher: { isAway },
    watch: { broken: (rule: Rule) => rules.push(rule) },
    outside: {
      github: { jobs: new Map([[job.id, job]]) },
      living: () => living,
      pools: new Map([[POOL, busy]]),
    },
    table: {
      all: {
        jobs: new Map(jobs),
        pools: new Map([[POOL, aPool({ name: POOL, total: 8 })]]),
        workers: new Map([worker, former].flatMap((one) => (one === undefined ? [] : [[WORKER_ID, one]]))),
      },
    },
  };
  return world as unknown as World;
}

function aWaitingJob(): SimJob {
  const [repository] = REPOSITORIES;
  const word = workflowJob({ id: 100_000_000_001, runId: 7_001, name: "job-1", createdAt: 0 });
  const base = { ...word, repository, labels: labelsFor(1, POOL) };
  return { id: 100_000_000_001, base, status: "queued", isOurs: true } as unknown as SimJob;
}

/** By its record it runs this job. Its last heartbeat is from then. */
function ownWorker(heartbeatAt: number): Worker {
  const jobId = githubJobId(100_000_000_001);
  return aWorker({ endpoint: ENDPOINT, tenant: TENANT, state: "running", jobId, heartbeatAt });
}
