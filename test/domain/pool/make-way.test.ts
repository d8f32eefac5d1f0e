// Which idle programs end for a job that waits; on nodes only those beside each other make room for a large one.
import { expect, test } from "vitest";
import type { Place } from "../../../shared/domain/pool/make-way.ts";
import { chooseLeavers } from "../../../shared/domain/pool/make-way.ts";
import { reserve } from "../../../shared/domain/pool/pool.ts";
import type { LaneView } from "../../../shared/domain/pool/scheduling.ts";
import { aPool, aWorkerId, T0, TENANT } from "../builders.ts";
import { ANY, lane } from "./queues.ts";

const place = (id: string, node?: string): Place => ({ id: aWorkerId(id), cards: 4, node });

/** Two nodes of eight, each full of two programs of four cards. */
const PLACES = [place("w1", "a"), place("w2", "b"), place("w3", "a"), place("w4", "b")];
const FULL = PLACES.reduce(
  (pool, { id, cards }) => reserve(pool, id, { tenant: TENANT, cards, slots: [] }, T0),
  aPool({ total: 16 }),
);
const NODES = ["a", "b"].map((name) => ({ name, total: 8, free: 0 }));

function leavers(lanes: LaneView[], leaving: Place[] = [], isItsOwn = () => false) {
  const choice = { ...ANY, nodes: NODES };
  const idle = PLACES.filter(({ id }) => !leaving.some((one) => one.id === id));
  return chooseLeavers({ pool: FULL, lanes, choice, places: () => 64, leaving }, idle, isItsOwn);
}

test("one for a job of its size, none where the job is its own or nobody waits", () => {
  expect(leavers([lane("b", [4])])).toEqual([aWorkerId("w1")]);
  expect(leavers([lane("b", [4])], [], () => true)).toEqual([]);
  expect(leavers([])).toEqual([]);
});

test("none where the places that come back by themselves are enough", () => {
  expect(leavers([lane("b", [4])], [place("w1", "a")])).toEqual([]);
});

test("a large job waits for one node: the other of one that is leaving there, not any two", () => {
  expect(leavers([lane("b", [8])], [place("w1", "a")])).toEqual([aWorkerId("w3")]);
});
