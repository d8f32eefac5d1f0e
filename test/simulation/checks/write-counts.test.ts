// Writes that grow with the number of jobs and workers are right; those that grow with its square are not.
import { expect, test } from "vitest";
import type { World } from "../world.ts";
import type { Rule } from "./rules.ts";
import { checkWrites } from "./write-counts.ts";

test.each([10, 100, 1_000])("%i jobs with a few writes each are right", (jobs) => {
  expect(brokenBy(jobs, { "pools.replace": 4 * jobs, "jobs.replace": 16 * jobs })).toEqual([]);
});

test("400 workers that write their pool again and again until each has had its turn are wrong", () => {
  expect(brokenBy(400, { "pools.replace": (400 * 401) / 2, "workers.create": 400 })).toEqual([
    "too-many-writes",
  ]);
});

test("the one process, whose writes of a pool are gathered, has fewer for each than functions may have", () => {
  const writes = { "pools.replace": 200 + 3 * 400 };
  expect(brokenBy(400, writes)).toEqual([]);
  expect(brokenBy(400, writes, "single")).toEqual(["too-many-writes"]);
});

test("a loop that writes for ever is wrong, whatever it writes", () => {
  for (const call of ["jobs.replace", "workers.replace", "marks.put"])
    expect(brokenBy(20, { [call]: 100_000 })).toEqual(["too-many-writes"]);
});

function brokenBy(jobs: number, writes: { readonly [call: string]: number }, form = "cloud"): Rule[] {
  const rules: Rule[] = [];
  const world = {
    plan: { form },
    table: { all: { jobs: { size: jobs } } },
    dispatcher: { writes: new Map(Object.entries(writes)) },
    watch: { broken: (rule: Rule) => rules.push(rule) },
  };
  checkWrites(world as unknown as World);
  return rules;
}
