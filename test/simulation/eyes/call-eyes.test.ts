// Two calls of one process have its stores, and each of their passes is judged by what it has seen itself.
import { expect, test } from "vitest";
import { PASS_LOCK_MS } from "../../../shared/domain/deadlines.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { laneOrder } from "../../../shared/domain/pool/lane.ts";
import { aJob, aPool, aWorker, POOL, T0, TENANT } from "../../domain/builders.ts";
import { createWorld } from "../../fakes/world.ts";
import { createDraw } from "../engine/draw.ts";
import type { Caller } from "../engine/processes.ts";
import { createCallEyes } from "./call-eyes.ts";
import type { Decision } from "./fair-choice.ts";

const LANE = { pool: POOL, tenant: TENANT, login: "Acme" };
const LIFE = { isOver: false, onAnswer: undefined, onWait() {} };
const ONE: Caller = { process: "dispatch", life: LIFE, calls: 1 };
const OTHER: Caller = { process: "dispatch", life: LIFE, calls: 1 };

test("a lock that is written with the changes of another call is its holder's", async () => {
  const { stores } = createWorld({ stream: "lost" });
  const [first, second] = [aJob({ id: "gh-1" as Job["id"] }), aJob({ id: "gh-2" as Job["id"] })];
  for (const job of [first, second]) await stores.jobs.create(job);
  await stores.lanes.register(LANE);
  await stores.pools.create(aPool({ version: 1 }));
  const decisions: Decision[] = [];
  let caller = ONE;
  const eyes = createCallEyes({
    tenants: [],
    pools: [{ name: POOL, cards: 8, nodes: undefined, maxWorkers: undefined }],
    poolOf: () => POOL,
    onDecision: (decision) => decisions.push(decision),
    current: () => caller,
  });
  const own = [ONE, OTHER].map((one, seed) => eyes.look(one, { now: () => T0, random: createDraw(seed) }));
  const heads = [first, second].map((job) => ({ id: job.id, cards: job.cards, order: laneOrder(job) }));
  const watched = eyes.watched({
    ...stores,
    jobs: Object.assign(Object.create(stores.jobs), { heads: async () => heads }),
  });
  for (const one of [ONE, OTHER]) {
    caller = one;
    await watched.lanes.list(POOL);
    await watched.jobs.heads(LANE, 2);
  }
  const lock = { holder: own[1]?.token(10) ?? "", until: T0 + PASS_LOCK_MS };
  caller = ONE;
  expect(await watched.pools.replace(aPool({ version: 2, lock, dirty: true }))).toBe(true);
  await watched.jobs.get(first.id);
  caller = OTHER;
  await watched.jobs.get(second.id);
  await watched.workers.create(aWorker());
  expect(decisions.map(({ chosen }) => chosen)).toEqual([[second.id]]);
});
