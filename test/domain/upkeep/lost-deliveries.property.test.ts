// Whatever fails, and however long the log is: each lost event is asked for, none too often, and no watermark passes one.
import fc from "fast-check";
import { expect, test } from "vitest";
import type {
  Asked,
  DeliveryState,
  DeliveryTry,
  LogStretch,
} from "../../../shared/domain/upkeep/lost-deliveries.ts";
import {
  ASK_PAUSES_MS,
  advance,
  askableAt,
  findLost,
  MAX_ASKS,
  stillAsked,
  withAsked,
  withGivenUp,
} from "../../../shared/domain/upkeep/lost-deliveries.ts";
import { T0 } from "../builders.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW = T0 + 24 * HOUR_MS;

const tries: fc.Arbitrary<DeliveryTry[]> = fc
  .array(
    fc.record({
      guid: fc.constantFrom("a", "b", "c", "d"),
      deliveredAt: fc.integer({ min: NOW - HOUR_MS, max: NOW }),
      ok: fc.boolean(),
      event: fc.constantFrom("workflow_job", "installation", "installation_repositories", "push"),
    }),
    { maxLength: 12 },
  )
  .map((all) => newestFirst(all.map((one, n) => ({ ...one, id: String(n) }))));

const asked: fc.Arbitrary<Asked> = fc.dictionary(
  fc.constantFrom("a", "b", "c", "d"),
  fc.record({
    times: fc.integer({ min: 1, max: MAX_ASKS }),
    at: fc.integer({ min: NOW - 2 * HOUR_MS, max: NOW }),
  }),
);

function newestFirst(all: readonly DeliveryTry[]): DeliveryTry[] {
  return [...all].sort((a, b) => b.deliveredAt - a.deliveredAt);
}

test("asks for exactly what has no answered try, once each, and not before the pause is over", () => {
  fc.assert(
    fc.property(tries, asked, (log, before) => {
      const lost = findLost(log, before, NOW);
      const ours = log.filter(({ event }) => event !== "push");
      const missing = new Set(ours.map(({ guid }) => guid).filter((guid) => !isAnswered(ours, guid)));
      const guids = [...lost.open, ...lost.giveUp].map(({ guid }) => guid);
      expect(new Set(guids)).toEqual(missing);
      expect(guids).toHaveLength(missing.size);
      for (const one of lost.ask) {
        const earlier = before[one.guid];
        expect(earlier === undefined || earlier.at + (ASK_PAUSES_MS[earlier.times - 1] ?? 0) <= NOW).toBe(
          true,
        );
        expect(earlier?.times ?? 0).toBeLessThan(MAX_ASKS);
        expect(ours.find(({ guid }) => guid === one.guid)).toBe(one);
      }
      for (const { guid } of lost.giveUp) expect(before[guid]?.times).toBe(MAX_ASKS);
    }),
  );
});

function isAnswered(log: readonly DeliveryTry[], wanted: string): boolean {
  return log.some(({ guid, ok }) => guid === wanted && ok);
}

test("without a gap the watermark never goes back, nor past an open event, nor into the last minutes", () => {
  fc.assert(
    fc.property(tries, fc.integer({ min: NOW - HOUR_MS, max: NOW - 6 * MINUTE_MS }), (log, since) => {
      const { open } = findLost(log, {}, NOW);
      const state: DeliveryState = { since, asked: {}, gap: undefined };
      const next = advance(state, { newest: whole(log), older: undefined }, open, NOW);
      expect(next.gap).toBeUndefined();
      expect(next.since).toBeGreaterThanOrEqual(since);
      expect(next.since).toBeLessThanOrEqual(NOW - 5 * MINUTE_MS);
      for (const { deliveredAt } of open) {
        expect(deliveredAt > next.since || deliveredAt <= since).toBe(true);
      }
    }),
  );
});

test("what was given up is neither asked for nor given up again, as long as the log shows it", () => {
  fc.assert(
    fc.property(tries, asked, (log, before) => {
      const first = findLost(log, before, NOW);
      let after = before;
      for (const { guid } of first.giveUp) after = withGivenUp(after, guid, NOW);
      for (const { guid } of first.ask) after = withAsked(after, guid, NOW);
      const second = findLost(log, stillAsked(after, log), NOW);
      expect(second.giveUp).toEqual([]);
      expect(second.ask).toEqual([]);
    }),
  );
});

test("what GitHub is about to forget is left alone", () => {
  const old: DeliveryTry = {
    id: "1",
    guid: "a",
    deliveredAt: NOW - 72 * HOUR_MS,
    ok: false,
    event: "workflow_job",
  };
  expect(findLost([old], {}, NOW)).toEqual({ open: [], ask: [], giveUp: [] });
  expect(findLost([{ ...old, deliveredAt: NOW - 71 * HOUR_MS }], {}, NOW).ask).toHaveLength(1);
});

test("each time that an event is asked for counts, and the others stay as they were", () => {
  const once = withAsked({ b: { times: 2, at: T0 } }, "a", NOW);
  expect(once).toEqual({ a: { times: 1, at: NOW }, b: { times: 2, at: T0 } });
  expect(withAsked(once, "a", NOW + 1)).toMatchObject({ a: { times: 2, at: NOW + 1 } });
  expect(withGivenUp(once, "a", NOW + 1)).toMatchObject({ a: { at: NOW + 1 }, b: { times: 2, at: T0 } });
});

test("is remembered as long as the log shows it, and no answered try of it", () => {
  const one = { id: "1", deliveredAt: NOW, event: "workflow_job" };
  const asked = { a: { times: 1, at: T0 }, b: { times: 1, at: T0 }, c: { times: 1, at: T0 } };
  const log = [
    { ...one, guid: "a", ok: false },
    { ...one, guid: "b", ok: false },
    { ...one, guid: "b", ok: true },
  ];
  expect(stillAsked(asked, log)).toEqual({ a: asked.a });
});

test("the newest lost event is asked for first, whatever the order of the log; the moment its pause is over", () => {
  const at = (guid: string, deliveredAt: number): DeliveryTry => ({
    id: `${guid}-${deliveredAt}`,
    guid,
    deliveredAt,
    ok: false,
    event: "installation",
  });
  const log = [at("a", NOW - 3), at("b", NOW - 9), at("b", NOW - 2), at("c", NOW - 1)];
  const ids = (asked: Asked, now = NOW) => findLost(log, asked, now).ask.map(({ id }) => id);
  expect(ids({})).toEqual([`c-${NOW - 1}`, `b-${NOW - 2}`, `a-${NOW - 3}`]);
  const c = { c: { times: 1, at: NOW } };
  expect(ids(c, NOW + ASK_PAUSES_MS[0] - 1)).not.toContain(`c-${NOW - 1}`);
  expect(ids(c, NOW + ASK_PAUSES_MS[0])).toContain(`c-${NOW - 1}`);
  const spent = { c: { times: MAX_ASKS, at: NOW } };
  const lastPause = ASK_PAUSES_MS[MAX_ASKS - 1] as number;
  expect(findLost(log, spent, NOW + lastPause).giveUp).toEqual([log[3]]);
});

test("may be asked for at once, then after a pause for each time; what was given up has none left", () => {
  const one: DeliveryTry = { id: "1", guid: "a", deliveredAt: NOW, ok: false, event: "workflow_job" };
  expect(askableAt({}, one, NOW)).toBe(0);
  const each = [1, 2, 3, 4].map((times) => askableAt({ a: { times, at: NOW } }, one, NOW) - NOW);
  expect(each).toEqual([...ASK_PAUSES_MS]);
  expect(askableAt(withGivenUp({}, "a", NOW), one, NOW)).toBe(NOW);
});

test("a page of the log without a try, and more behind it, leaves a gap from the watermark on", () => {
  const since = NOW - HOUR_MS;
  const empty = { tries: [], next: "page-2" };
  const next = advance({ since, asked: {}, gap: undefined }, { newest: empty, older: undefined }, [], NOW);
  expect(next).toEqual({ since, gap: { cursor: "page-2", above: since } });
});

test("a log too long leaves a gap, which holds the watermark until its last stretch is done", () => {
  const at = (guid: string, deliveredAt: number, ok = true): DeliveryTry => ({
    id: guid,
    guid,
    deliveredAt,
    ok,
    event: "workflow_job",
  });
  const since = NOW - HOUR_MS;
  const cut = { tries: [at("n", NOW - MINUTE_MS), at("m", NOW - 2 * MINUTE_MS)], next: "page-3" };
  const begun = advance({ since, asked: {}, gap: undefined }, { newest: cut, older: undefined }, [], NOW);
  expect(begun).toEqual({ since, gap: { cursor: "page-3", above: NOW - 2 * MINUTE_MS } });
  const state = { ...begun, asked: {} };
  const lost = at("x", NOW - 30 * MINUTE_MS, false);
  const older = { tries: [lost], next: "page-4" };
  // Not while nothing of it was read,
  expect(advance(state, { newest: whole([]), older: undefined }, [], NOW)).toEqual(begun);
  // nor while something of the stretch is open,
  expect(advance(state, { newest: whole([]), older }, [lost], NOW)).toEqual(begun);
  // then stretch by stretch,
  const later = NOW + 10 * MINUTE_MS;
  const moved = advance(state, { newest: whole([]), older }, [], later);
  expect(moved).toEqual({ since, gap: { cursor: "page-4", above: later - 5 * MINUTE_MS } });
  // and at its end the watermark is where the log was read whole.
  const last = { tries: [at("y", since + 1)], next: undefined };
  const done = advance({ ...moved, asked: {} }, { newest: whole([]), older: last }, [], later);
  expect(done).toEqual({ since: later - 5 * MINUTE_MS, gap: undefined });
});

function whole(log: readonly DeliveryTry[]): LogStretch {
  return { tries: log, next: undefined };
}
