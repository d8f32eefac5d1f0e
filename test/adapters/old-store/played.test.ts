// A dispatcher that goes on with the store of commit d4dd82b, after its machine was started again: every job reaches its
// end.
import { afterEach, expect, test } from "vitest";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import { usedCards } from "../../../shared/domain/pool/pool.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { receiveResult } from "../../../shared/usecases/worker-plane/receive-result.ts";
import { aReport } from "../../domain/builders.ts";
import { ADMIN_KEY, copyOldStore, type OldWorld, openOldWorld } from "./old-world.ts";
import { type Picture, type PicturedJob, readPicture } from "./picture.ts";

const MINUTE = 60_000;
const STEP_MS = 10_000;

/** Their containers lived on; all the others ended with the machine. */
const LIVES_ON = [
  "a workflow job that runs",
  "a workflow job that runs on two cards",
  "a program's job that runs",
];

/** What is told better by now than when the picture was made: the machine of that worker ended under its job. */
const TOLD_SINCE = new Map([["a workflow job that runs in another pool", "FAILED worker-lost"]]);

let close = async () => {};
afterEach(() => close());

test("every job reaches the end that it should", { timeout: 120_000 }, async () => {
  const { world, picture } = await open();
  await world.recover();
  await play(world, 3);
  for (const job of picture.jobs) if (LIVES_ON.includes(job.what)) await endOf(world, job);
  await play(world, 10);
  failLostRuns(world);
  await play(world, 30);
  // What an operator, or GitHub, holds back still waits, and the cards in quarantine were given to nobody.
  const waiting = await openJobs(world, picture);
  expect(waiting.filter(({ what }) => what.includes("card failed its check"))).toHaveLength(4);
  expect(waiting.filter(({ what }) => what.includes("paused"))).toHaveLength(3);
  expect(waiting.filter(({ what }) => what.includes("approval") || what.includes("gate"))).toHaveLength(2);
  expect(startedOn(world, "second")).not.toContain(7);
  expect(startedOn(world, "gated")).toEqual([]);
  await play(world, 30);
  expect(startedOn(world, "gated")).not.toEqual([]);
  await order(world, "resume", { pool: "paused" });
  await order(world, "resume", { tenant: "resting" });
  await order(world, "resume", { endpoint: "paused-endpoint" });
  for (const word of world.github.jobs.values()) {
    if (word.status === "waiting") world.github.change(word.workflowJobId, { status: "queued" });
  }
  await play(world, 40);
  const ends = await Promise.all(
    picture.jobs.map(async ({ id, what }) => {
      const job = await world.stores.jobs.get(id);
      return [what, [job?.state, job?.end?.reason].filter((word) => word !== undefined).join(" ")];
    }),
  );
  expect(Object.fromEntries(ends)).toEqual(
    Object.fromEntries(picture.jobs.map(({ what, ends }) => [what, TOLD_SINCE.get(what) ?? ends])),
  );
  for (const { name } of picture.pools) {
    const pool = await world.stores.pools.get(name);
    expect([name, pool && usedCards(pool), await world.stores.workers.live(name)]).toEqual([name, 0, []]);
  }
  expect([...world.github.runners.keys()]).toEqual([]);
});

async function open(): Promise<{ world: OldWorld; picture: Picture }> {
  const { dir, dispose } = await copyOldStore();
  const picture = await readPicture(dir);
  const world = await openOldWorld(dir, picture.at + 5_000);
  close = async () => {
    world.close();
    await dispose();
  };
  for (const { id } of picture.jobs) {
    const job = await world.stores.jobs.get(id);
    if (job?.github !== undefined) world.github.queue({ ...job.github, createdAt: job.createdAt });
    const sealed = job?.api?.runner?.sealedPat;
    const pat = sealed && world.deps.seal.open(id, sealed);
    if (pat) world.github.personalTokens.add(pat);
  }
  // It knows them already: nothing of this is news.
  world.github.takeOutbox();
  world.github.runs.set(7001, { status: "completed", conclusion: "cancelled", runAttempt: 1 });
  await bringBack(world, picture);
  return { world, picture };
}

async function bringBack(world: OldWorld, { workers, jobs }: Picture): Promise<void> {
  const alive = new Set(jobs.filter(({ what }) => LIVES_ON.includes(what)).map(({ worker }) => worker));
  for (const { id, state } of workers) {
    if (state === "released" || state === "reserving") continue;
    const pool = await world.keepContainer(id);
    if (!alive.has(id)) pool.crash(id, "ended as its machine was started again");
  }
}

/** The word of a worker that lived on. */
async function endOf(world: OldWorld, { id, worker, pool }: PicturedJob): Promise<void> {
  if (worker === undefined) throw new Error(`${id} has no worker`);
  if (id.startsWith("gh-")) {
    world.github.complete(Number(id.slice("gh-".length)));
    await finishWorker(world.deps, worker, aReport());
  } else await receiveResult(world.deps, worker, id, { output: "at last" });
  world.pools.get(pool)?.exit(worker, 0);
}

/** GitHub fails a job whose runner it has not heard of for ten minutes. */
function failLostRuns({ github, workers }: OldWorld): void {
  for (const { status, runner, workflowJobId } of github.jobs.values()) {
    const isLost = status === "in_progress" && !workers.some(({ id }) => id === runner?.name);
    if (isLost) github.complete(workflowJobId, "failure");
  }
}

async function play(world: OldWorld, minutes: number): Promise<void> {
  for (let ms = 0; ms < minutes * MINUTE; ms += STEP_MS) {
    world.clock.advance(STEP_MS);
    await world.step();
    for (const name of world.github.runners.keys()) world.github.assign(name);
    await world.deliver();
    if (ms % MINUTE === 0) await world.reconcile();
  }
}

async function openJobs(world: OldWorld, { jobs }: Picture): Promise<PicturedJob[]> {
  const found = await Promise.all(jobs.map(({ id }) => world.stores.jobs.get(id)));
  return jobs.filter((_, at) => {
    const job = found[at];
    return job === undefined || !isTerminal(job);
  });
}

/** Card indices that were given to anybody there since. */
function startedOn({ pools, kept }: OldWorld, name: string): number[] {
  const started = [...pools].find(([pool]) => pool === name)?.[1].started ?? [];
  return started.filter(({ workerId }) => !kept.has(workerId)).flatMap(({ slots }) => slots);
}

async function order(world: OldWorld, what: string, place: object): Promise<void> {
  const answer = await world.app.request(`/admin/${what}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ ...place, reason: "the work is done" }),
  });
  expect(answer.status).toBe(200);
  await world.settle();
}
