// What is printed of a run that broke: enough to see what it was and to play it again.
import { expect, test } from "vitest";
import { describeBroken, describePlan } from "../../scripts/simulate/describe-run.ts";
import { drawPlan } from "./plan/plan.ts";

const VIOLATIONS = [{ rule: "job-lost", message: "gh-1 is queued at GitHub and unknown here" }] as const;

test("a broken run names its seed, its rule, and the commands that play it again", () => {
  const text = describeBroken(drawPlan(117_637, { edition: 1 }), VIOLATIONS, undefined);
  expect(text).toContain("seed 117637: job-lost: gh-1 is queued");
  expect(text).toContain("npm run simulate -- --seed 117637 --edition 1 --runs 1\n");
  expect(text).toContain("npm run simulate -- --seed 117637 --edition 1 --trace\n");
});

test("one that played only some faults is played again with these", () => {
  const text = describeBroken(drawPlan(5, { kinds: ["gate"], edition: 1 }), VIOLATIONS, "gate");
  expect(text).toContain("--seed 5 --edition 1 --faults gate --runs 1\n");
});

test("a plan shows its pools, tenants, faults and jobs", () => {
  const plan = drawPlan(7, { edition: 1 });
  const text = describePlan({ ...plan, others: ["nodes", "none"] });
  expect(text).toContain("pools: a2 (8 cards); a3 (2 nodes, 12 cards); cpu (0 cards, at most 6 workers)");
  expect(text).toContain("tenants: Acme (weight 2); solo (weight 1, at most 4 cards)");
  for (const entry of plan.entries) {
    expect(text).toContain(entry.type === "fault" ? ` ${entry.kind}` : JSON.stringify(entry));
  }
});
