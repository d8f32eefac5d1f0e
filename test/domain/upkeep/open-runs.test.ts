// Of a repository's open runs each is looked into in its turn.
import { expect, test } from "vitest";
import { runsToRead } from "../../../shared/domain/upkeep/open-runs.ts";

const runs = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test("a hundred are read in one look, the oldest first, each once", () => {
  expect(runsToRead([3, 20, 1, 3])).toEqual({ runs: [1, 3, 20], next: undefined });
  expect(runsToRead(runs(100), 50)).toEqual({ runs: runs(100), next: undefined });
});

test("of more each look goes on behind the last one's, and round again", () => {
  const first = runsToRead(runs(250).toReversed());
  expect(first).toEqual({ runs: runs(100), next: 100 });
  const second = runsToRead(runs(250), first.next);
  expect([second.runs[0], second.runs.length, second.next]).toEqual([101, 100, 200]);
  const third = runsToRead(runs(250), second.next);
  expect(third.runs).toEqual([...runs(250).slice(200), ...runs(50)]);
  expect(third.next).toBe(50);
});
