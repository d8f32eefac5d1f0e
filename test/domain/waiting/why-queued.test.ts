// What a job in its lane is told: its place, what the pool has, and when it starts at the pace of late.
import { describe, expect, test } from "vitest";
import { MAX_AHEAD } from "../../../shared/domain/waiting/wait-view.ts";
import { whyWaiting } from "../../../shared/domain/waiting/why-waiting.ts";
import { aJob, POOL, T0 } from "../builders.ts";
import { ACME_VIEW, aPoolView, aWaitView, NOW, WAIT_EXAMPLES } from "./wait-examples.ts";

const codeOf = (view: Parameters<typeof whyWaiting>[0]) => whyWaiting(view)?.code;

describe("the line", () => {
  test("is not told where the pool has not been asked yet: nobody knows what is free", () => {
    const why = whyWaiting(aWaitView({ pool: aPoolView({ counted: false }) }));
    expect(why).toMatchObject({ place: 1, ahead: 0 });
    expect(why).not.toHaveProperty("cards");
  });

  test("begins anew for a job that was put back: it waits since then, whatever its place", () => {
    const back = aJob({ phases: { queued: NOW } });
    expect(codeOf(aWaitView({ now: NOW + 60_000, job: back }))).toBe("about-to-start");
    const old = aJob({ queuedAt: T0, phases: {} });
    expect(codeOf(aWaitView({ now: T0 + 10 * 60_000, job: old }))).toBe("not-its-turn");
  });

  test("says the place, and what the pool has", () => {
    const job = aJob({ cards: 4 });
    const why = whyWaiting(aWaitView({ job, pool: aPoolView({ free: 1 }), ahead: 2 }));
    expect(why).toMatchObject({ place: 3, ahead: 2, cards: { needed: 4, free: 1, total: 8 } });
    expect(why?.message).toBe(
      `It needs 4 cards; 1 of 8 in pool "${POOL}" are free. 2 of its tenant's jobs are before it.`,
    );
  });

  test("is not counted beyond a hundred", () => {
    const why = whyWaiting(aWaitView({ pool: aPoolView({ free: 0 }), ahead: MAX_AHEAD + 1 }));
    expect(why).toMatchObject({ ahead: MAX_AHEAD });
    expect(why).not.toHaveProperty("place");
    expect(why?.message).toContain("more than 100");
  });

  test("that has not moved though cards are free: no machine has them together", () => {
    expect(codeOf(aWaitView({ now: T0 + 10 * 60_000 }))).toBe("not-its-turn");
    expect(codeOf(aWaitView({ now: T0 + 60_000 }))).toBe("about-to-start");
  });
});

test.each(["pool-unavailable", "github-limit"] as const)(
  "%s: until when is told, where it is known",
  (code) => {
    const view = WAIT_EXAMPLES[code];
    const known = code === "github-limit" ? view.github?.until : view.pool?.unavailableUntil;
    expect(known).toBeGreaterThan(NOW);
    expect(whyWaiting(view)?.until).toBe(known);
  },
);

describe("the time of its start", () => {
  const MINUTE_MS = 60_000;
  const full = { pool: aPoolView({ free: 0 }), ahead: 1 };

  test.each([
    [1, "1 minute"],
    [89_000, "1 minute"],
    [90_000, "2 minutes"],
    [119 * MINUTE_MS, "119 minutes"],
    [120 * MINUTE_MS, "2 hours"],
    [30 * 60 * MINUTE_MS, "30 hours"],
  ])("in %i ms is told in words, and as a time", (waitMs, words) => {
    const why = whyWaiting(aWaitView({ ...full, waitMs }));
    expect(why).toMatchObject({ code: "no-free-cards", expectedAt: NOW + waitMs, place: 2 });
    expect(why?.message).toMatch(
      new RegExp(
        `^It needs 1 card; 0 of 8 .* free. 1 of its tenant.s jobs is before it. At the pace of late it starts in about ${words}.$`,
      ),
    );
  });

  test("is told where others have to give back what they hold, and nowhere else", () => {
    const told = Object.entries(WAIT_EXAMPLES)
      .filter(([, view]) => whyWaiting({ ...view, waitMs: 9 })?.expectedAt !== undefined)
      .map(([code]) => code);
    expect(told.toSorted()).toEqual(["no-free-cards", "not-its-turn", "quota-reached", "workers-limit"]);
    expect(whyWaiting(aWaitView(full))).not.toHaveProperty("expectedAt");
  });
});

describe("a limit holds a job back from where it is reached on, and says how much there is", () => {
  const holds = (cards: number, workers: number) => ({ ofTenant: { cards, workers } });
  const quota = { tenant: { ...ACME_VIEW, maxCards: 4, maxWorkers: 3 } };
  const away = { unavailableUntil: NOW + 1 };
  const PARTLY = { largest: 4, whole: 4, resting: [{ name: "node-1", cards: 8 }] };
  const MANY = [1, 2, 3, 4, 5].map((n) => ({ name: `node-${n}`, cards: 4 }));

  test.each([
    ["a card left in the quota", { ...quota, pool: aPoolView(holds(3, 2)) }],
    ["a worker left in the quota, cards without limit", { ...quota, pool: aPoolView(holds(0, 2)) }],
    ["a worker left in the pool", { pool: aPoolView({ workers: 19, maxWorkers: 20 }) }],
    ["a registration left at GitHub", { github: { left: 1, until: undefined } }],
    ["nothing known of GitHub", { github: undefined }],
    ["a pool that may be asked again now", { pool: aPoolView({ unavailableUntil: NOW }) }],
    ["as many cards as the pool has", { job: aJob({ cards: 8 }) }],
  ])("%s: it starts", (_what, view) => expect(codeOf(aWaitView(view))).toBe("about-to-start"));

  test.each([
    ["quota-reached", { ...quota, pool: aPoolView(holds(4, 2)) }, "holds 4 of its 4 cards in pool"],
    ["quota-reached", { ...quota, pool: aPoolView(holds(3, 3)) }, "holds 3 of its workers in pool"],
    ["larger-than-pool", { job: aJob({ cards: 9 }) }, `pool "${POOL}" has 8. Ask for fewer, or cancel it.`],
    [
      "larger-than-pool",
      { job: aJob({ cards: 8 }), pool: aPoolView({ usable: 6 }) },
      "has 8, 2 of them in quarantine. Have them repaired",
    ],
    [
      "pool-unavailable",
      { job: aJob({ cards: 1 }), pool: aPoolView({ total: 0, usable: 0, free: 0 }) },
      "has none in service now: its nodes are cordoned, not ready or missing. It starts when they are back.",
    ],
    [
      "pool-unavailable",
      { job: aJob({ cards: 8 }), pool: aPoolView({ total: 4, usable: 4, free: 4, machines: PARTLY }) },
      `It needs 8 cards on one machine; the largest of pool "${POOL}" in service now has 4. node-1, where it fits, is cordoned or not ready. It starts when that is back.`,
    ],
    [
      "pool-unavailable",
      { job: aJob({ cards: 4 }), pool: aPoolView({ machines: { largest: 2, whole: 2, resting: MANY } }) },
      "node-1, node-2, node-3 and 2 more, where it fits, are cordoned or not ready. It starts when one of them is back.",
    ],
    [
      "larger-than-pool",
      { job: aJob({ cards: 16 }), pool: aPoolView({ total: 4, usable: 4, free: 4, machines: PARTLY }) },
      `pool "${POOL}" has 4. Ask for fewer, or cancel it.`,
    ],
    [
      "larger-than-pool",
      { job: aJob({ cards: 8 }), pool: aPoolView({ machines: { largest: 4, whole: 4, resting: [] } }) },
      `It asks for 8 cards, which must be on one machine; the largest of pool "${POOL}" has 4. Ask for fewer`,
    ],
    [
      "larger-than-pool",
      { job: aJob({ cards: 8 }), pool: aPoolView({ machines: { largest: 7, whole: 8, resting: [] } }) },
      "has 7, beside 1 in quarantine. Have them repaired, or ask for fewer.",
    ],
    ["pool-unavailable", { pool: aPoolView(away) }, "takes no work at the moment: it did not say why."],
    ["pool-unavailable", { pool: aPoolView({ ...away, unavailableWhy: "HTTP 503" }) }, "moment: HTTP 503."],
    [
      "pool-unavailable",
      {
        pool: aPoolView({ unavailableUntil: NOW, unavailableSince: { at: T0, iso: "2026-12-01T12:30:05Z" } }),
      },
      "takes no work at the moment (since 2026-12-01T12:30:05Z): it did not say why.",
    ],
    [
      "pool-unavailable",
      { pool: aPoolView({ total: 0, usable: 0, free: 0, unavailableUntil: NOW, unavailableWhy: "away" }) },
      "takes no work at the moment: away.",
    ],
    ["workers-limit", { pool: aPoolView({ workers: 20, maxWorkers: 20 }) }, "runs 20 workers, as many"],
    ["github-limit", { github: { left: 0, until: NOW + 1 } }, "GitHub's limit"],
  ])("%s (%#)", (code, view, message) => {
    const why = whyWaiting(aWaitView(view));
    expect(why).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
