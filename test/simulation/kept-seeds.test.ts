// What broke once must not break again: each kept seed is played in its edition.
import { expect, test } from "vitest";
import { KEPT_SEEDS } from "./kept-seeds.ts";
import { drawPlan } from "./plan/plan.ts";
import { runPlan } from "./run.ts";

test("each seed is kept once", () => {
  const names = KEPT_SEEDS.map(({ seed, edition }) => `${seed} of edition ${edition}`);
  expect(new Set(names).size).toBe(names.length);
});

test.each(KEPT_SEEDS)("seed $seed of edition $edition, which broke $broke", async ({ seed, edition }) => {
  const { violations, jobs } = await runPlan(drawPlan(seed, { edition }));
  expect(violations).toEqual([]);
  expect(jobs).toBeGreaterThan(0);
});
