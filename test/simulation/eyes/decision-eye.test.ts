// What the eye makes of a pass that looks more than once: jobs that it has tried are in nobody's way, for that call only.
import { beforeEach, expect, test } from "vitest";
import { PASS_LOCK_MS } from "../../../shared/domain/deadlines.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { laneOrder } from "../../../shared/domain/pool/lane.ts";
import type { Stores } from "../../../shared/ports/store.ts";
import { aJob, aPool, aWorker, POOL, T0, TENANT } from "../../domain/builders.ts";
import { createWorld } from "../../fakes/world.ts";
import { withDecisionEye } from "./decision-eye.ts";
import type { Decision } from "./fair-choice.ts";
import { findUnfair } from "./fair-choice.ts";

const FIRST = aJob({ id: "gh-1" as Job["id"], createdAt: T0 });
const SECOND = aJob({ id: "gh-2" as Job["id"], createdAt: T0 + 1_000 });
const LANE = { pool: POOL, tenant: TENANT, login: "Acme" };

let stores: Stores;
let call: number;
let version: number;
let decisions: Decision[];

beforeEach(async () => {
  const world = createWorld({ stream: "lost" });
  decisions = [];
  call = 1;
  version = 1;
  const heads = [FIRST, SECOND].map((job) => ({ id: job.id, cards: job.cards, order: laneOrder(job) }));
  const frozen = { ...world.stores, jobs: { ...world.stores.jobs, heads: async () => heads } };
  for (const name of ["get", "create", "replace"] as const)
    Object.assign(frozen.jobs, { [name]: world.stores.jobs[name].bind(world.stores.jobs) });
  stores = withDecisionEye(frozen, {
    now: () => T0,
    tenants: [],
    onDecision: (decision) => decisions.push(decision),
    callOf: () => call,
    isOwn: () => true,
  });
  await world.stores.lanes.register(LANE);
  await world.stores.pools.create(aPool({ version }));
  await world.stores.jobs.create(FIRST);
  await world.stores.jobs.create(SECOND);
});

test("a job that was tried in vain, and is still in the index, need not be chosen again", async () => {
  await look(FIRST);
  await look(SECOND);
  await stores.workers.create(aWorker());
  expect(decisions.map(({ chosen }) => chosen)).toEqual([[SECOND.id]]);
  expect(decisions.map(findUnfair)).toEqual([undefined]);
});

test("what one call has tried is no excuse in the next", async () => {
  await look(FIRST);
  await stores.workers.create(aWorker());
  call++;
  await look(SECOND);
  await stores.workers.create(aWorker());
  expect(decisions.map(findUnfair)).toEqual([
    undefined,
    `${SECOND.id} was chosen before ${FIRST.id}, of the same lane`,
  ]);
});

test("a job that is read meanwhile, and that nobody could choose, is of something else that the call does", async () => {
  const running = aJob({ id: "gh-0" as Job["id"], createdAt: T0 - 1_000, state: "IN_PROGRESS" });
  await stores.jobs.create(running);
  await look(SECOND);
  await stores.jobs.get(running.id);
  await stores.workers.create(aWorker());
  expect(decisions).toEqual([]);
});

/** One round of a dispatch pass, up to the looks at what it has chosen. */
async function look(chosen: Job): Promise<void> {
  await stores.lanes.list(POOL);
  await stores.jobs.heads(LANE, 2);
  version++;
  const lock = { holder: `pass-${version}`, until: T0 + PASS_LOCK_MS };
  expect(await stores.pools.replace(aPool({ version, lock }))).toBe(true);
  await stores.jobs.get(chosen.id);
}
