// A worker's cards by the names of its pool's trouble: a slot, or a node and what its host calls the card.
import { describe, expect, test } from "vitest";
import { blamedCards, heldCards } from "../../../shared/domain/worker/blamed-cards.ts";
import { blamesCards } from "../../../shared/domain/worker-report.ts";
import { aReport } from "../builders.ts";

const failed = (badCards?: readonly string[]) => aReport({ outcome: "preflight-failed", badCards });
const onNode = (devices?: readonly string[]) => ({ node: "node-1", devices });

describe.each([
  ["one slot", { slots: [2], place: undefined }, ["2"], "2", ["2"]],
  ["slots, numbered as the host does", { slots: [2, 3], place: undefined }, ["2", "3"], "3", ["3"]],
  [
    "slots of some of the host's cards",
    { slots: [1, 0], place: { node: undefined, devices: ["5", "4"] } },
    ["1", "0"],
    "4",
    ["0"],
  ],
  ["a node", { slots: [], place: onNode(["6", "7"]) }, ["node-1/6", "node-1/7"], "7", ["node-1/7"]],
  ["a node whose plugin tells no cards", { slots: [], place: onNode() }, ["node-1/7"], "7", ["node-1/7"]],
] as const)("%s", (_name, worker, held, bad, blamed) => {
  test("holds and blames", () => {
    const known = { ...worker, report: failed([bad]) };
    expect(heldCards(known)).toEqual(held);
    expect(blamedCards(known)).toEqual(blamed);
  });

  test("blames all where none is named that it has", () => {
    expect(blamedCards({ ...worker, report: failed() })).toEqual(
      bad === "7" && held.length === 1 ? [] : held,
    );
    const others = { ...worker, report: failed(["99"]) };
    expect(blamedCards(others)).toEqual(heldCards(others));
  });
});

test("one that knows that none of its own is to blame blames none", () => {
  const report = failed([]);
  expect(blamedCards({ slots: [2, 3], place: undefined, report })).toEqual([]);
  expect(blamesCards(report)).toBe(false);
});

test("no devices at all are the pool's setting; one that is lost is that card", () => {
  const message = "E_NO_DEVICE: /dev has 0 NPU devices (none), the job needs 1.";
  expect(blamesCards({ ...failed(), message })).toBe(false);
  expect(blamesCards({ ...failed(["3"]), message })).toBe(true);
  expect(blamesCards({ ...failed(), message: "E_HANG: npu-smi did not return within 20 s." })).toBe(true);
  expect(blamesCards(aReport())).toBe(false);
});

test("nobody knows its node: no card is blamed", () => {
  expect(blamedCards({ slots: [], place: undefined, report: failed(["3"]) })).toEqual([]);
});
