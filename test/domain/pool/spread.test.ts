// A pool whose own scheduler spreads pods, against the choice's sums, which pack them: what is kept must stay free.
import { expect, test } from "vitest";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { Pool, PoolNode } from "../../../shared/domain/pool/pool.ts";
import { newPool, release, reserve } from "../../../shared/domain/pool/pool.ts";
import type { LaneView, Start } from "../../../shared/domain/pool/scheduling.ts";
import { chooseStarts } from "../../../shared/domain/pool/scheduling.ts";
import { seededRandom } from "../../fakes/seeded-random.ts";
import { aWorkerId, POOL, T0 } from "../builders.ts";
import { ANY, head, lane } from "./queues.ts";

const MINUTE = 60_000;
/** Of a small job, minutes. */
const LONGEST = 60;
const DAY = 24 * 60;

/** Among the nodes that have room: where the pool puts a start. */
type Scheduler = (fitting: readonly PoolNode[], start: Start) => PoolNode | undefined;

const spreading: Scheduler = (nodes) => nodes.toSorted((a, b) => b.free - a.free)[0];
const packing: Scheduler = (nodes) => nodes.toSorted((a, b) => a.free - b.free)[0];

function obeying(scheduler: Scheduler): Scheduler {
  return (nodes, start) =>
    scheduler(
      nodes.filter(({ name }) => name !== start.plan?.kept),
      start,
    );
}

/** Two nodes of eight; its small jobs take 10 to 60 minutes. */
function createCluster(scheduler: Scheduler) {
  const random = seededRandom(7);
  let pool: Pool = newPool(POOL, 16);
  let running: { readonly id: string; readonly node: string; readonly ends: number }[] = [];
  return { pool: () => pool, nodes, run, end };

  function nodes(): PoolNode[] {
    const heldOn = (node: string) => running.filter((one) => one.node === node).length;
    return ["a", "b"].map((name) => ({ name, total: 8, free: 8 - heldOn(name) }));
  }

  function run(start: Start, minute: number): void {
    const fitting = nodes().filter(({ free }) => free > 0);
    const node = scheduler(fitting, start);
    if (node === undefined) throw new Error(`${start.jobId} was started, and no node has room for it`);
    const held = { tenant: start.tenant, cards: start.cards, slots: [] };
    pool = reserve(pool, aWorkerId(start.jobId), held, T0 + minute * MINUTE);
    const ends = minute + 10 + Math.floor(random.fraction() * (LONGEST - 10));
    running.push({ id: start.jobId, node: node.name, ends });
  }

  function end(minute: number): void {
    const over = running.filter(({ ends }) => ends <= minute);
    for (const { id } of over) pool = release(pool, aWorkerId(id), T0 + minute * MINUTE);
    running = running.filter(({ ends }) => ends > minute);
  }
}

/** More small jobs than cards, always, and after an hour one of eight that has waited long: when it starts, in minutes. */
function startOfLargeJob(scheduler: Scheduler): number | undefined {
  const cluster = createCluster(scheduler);
  for (let minute = 0; minute < DAY; minute++) {
    cluster.end(minute);
    const lanes = minute < LONGEST ? [flood(minute)] : [flood(minute), lane("large", [8])];
    const choice = { ...ANY, now: T0 + minute * MINUTE, nodes: cluster.nodes() };
    const starts = chooseStarts(cluster.pool(), lanes, choice);
    if (starts.some(({ tenant }) => tenant === tenantId("large"))) return minute;
    for (const start of starts) cluster.run(start, minute);
  }
  return undefined;
}

function flood(minute: number): LaneView {
  const heads = Array.from({ length: 20 }, (_, n) => head(`s${minute}x${n}`, 1, T0 + minute * MINUTE));
  return { ...lane("small", []), heads };
}

test.each([
  ["packs", obeying(packing)],
  ["spreads", obeying(spreading)],
])("where the pool %s, a large job starts when the longest on its node has ended", (_how, scheduler) => {
  expect(startOfLargeJob(scheduler)).toBeLessThanOrEqual(LONGEST + LONGEST);
});

test("it would never start where the pool spreads and is not told which node is kept", () => {
  expect(startOfLargeJob(spreading)).toBeUndefined();
});
