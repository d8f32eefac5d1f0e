// Which jobs of a matrix may have a worker while GitHub holds some of them back.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IDLE_RETRY } from "../../../shared/domain/deadlines.ts";
import type { JobId } from "../../../shared/domain/ids.ts";
import { githubJobId } from "../../../shared/domain/ids.ts";
import type { ProbeGroup } from "../../../shared/domain/job/probe-group.ts";
import {
  admit,
  baseName,
  idled,
  NO_GROUP,
  probeGroupId,
  progressed,
} from "../../../shared/domain/job/probe-group.ts";
import { aGithubSide, aJob, T0 } from "../builders.ts";
import { anApiJob } from "./api-builders.ts";

const [A, B, C, D] = [1, 2, 3, 4].map(githubJobId) as [JobId, JobId, JobId, JobId];
const allOf = (group: ProbeGroup) => new Set(group.admitted);
const held = [A, B, C].reduce((group, id) => idled(group, id, T0, 0.5), NO_GROUP);

test.each([
  ["test", "test"],
  ["test (a2, 3.11)", "test"],
  ["test (f(x), (y))", "test"],
  ["call (a) / build (b)", "call / build"],
  ["(odd)", "(odd)"],
])("the base of %s is %s", (name, base) => {
  expect(baseName(name)).toBe(base);
});

test("a group is of one run attempt, endpoint and base name; an API job has none", () => {
  const of = (overrides: object, job = {}) =>
    probeGroupId(aJob({ github: aGithubSide({ name: "test (1)", ...overrides }), ...job }));
  expect(of({ name: "test (2)", workflowJobId: 5 })).toBe(of({}));
  const others = [of({ runId: 1 }), of({ runAttempt: 2 }), of({ name: "lint (1)" }), of({ name: "test" })];
  expect(others.map((id) => id === of({}))).toEqual([false, false, false, true]);
  expect(probeGroupId(anApiJob())).toBeUndefined();
  expect(Buffer.byteLength(of({ name: "名".repeat(5_000) }) ?? "")).toBeLessThan(1_000);
});

describe("runners that listened in vain", () => {
  test("together are one round; a repeat is no news", () => {
    expect(held).toMatchObject({ waiting: [A, B, C], admitted: [], idleRounds: 1 });
    expect(held.probeAt).toBe(T0 + 1.5 * IDLE_RETRY.minMs);
    expect(idled(held, D, held.probeAt - 1, 0)).toMatchObject({ idleRounds: 1, probeAt: held.probeAt });
    expect(idled(held, D, held.probeAt, 0)).toMatchObject({ idleRounds: 2, waiting: [A, B, C, D] });
  });

  test("use up the room that ends have made", () => {
    const { group } = progressed(held, D, "ended");
    expect(idled(group, A, T0, 0)).toMatchObject({ room: 0, admitted: [], waiting: [B, C, A] });
    expect(idled(held, B, T0 + 1, 0.5)).toBe(held);
  });

  test("round after round they back off, up to ten minutes", () => {
    let group = held;
    for (let round = 0; round < 12; round++) {
      const now = group.probeAt;
      group = admit(group, group.waiting[0] as JobId, new Set(), now).group;
      group = idled(group, group.admitted[0] as JobId, now, 0.999);
      expect(group.probeAt - now).toBeLessThanOrEqual(IDLE_RETRY.maxMs);
    }
    expect(group.idleRounds).toBe(13);
    expect(group.waiting.toSorted()).toEqual([A, B, C]);
  });
});

describe("by time", () => {
  test("none before the back-off is over, then one, and none beside it", () => {
    expect(admit(held, D, new Set(), held.probeAt - 1)).toMatchObject({ waitUntil: held.probeAt });
    const first = admit(held, B, new Set(), held.probeAt);
    expect(first).toMatchObject({ waitUntil: undefined, group: { admitted: [B], waiting: [A, C] } });
    const second = admit(first.group, D, allOf(first.group), held.probeAt);
    expect(second).toMatchObject({ waitUntil: held.probeAt + IDLE_RETRY.maxMs });
    expect(second.group.waiting).toEqual([A, C, D]);
    expect(admit(second.group, B, allOf(second.group), held.probeAt).waitUntil).toBeUndefined();
  });

  test("one that lost its turn is in nobody's way", () => {
    const { group } = admit(held, A, new Set(), held.probeAt);
    expect(admit(group, C, new Set(), held.probeAt)).toMatchObject({ group: { admitted: [C] } });
  });
});

describe("by event", () => {
  test("each end makes room for one; an end that is told twice for no second", () => {
    const first = progressed(held, D, "ended");
    expect(first).toMatchObject({ lifted: [A], group: { room: 1, admitted: [A], waiting: [B, C] } });
    // What held them back is over: the next round in vain is a first one.
    expect(first.group).toMatchObject({ idleRounds: 0, probeAt: 0, ended: [D] });
    expect(progressed(first.group, D, "ended")).toEqual({ group: first.group, lifted: [] });
    const second = progressed(first.group, githubJobId(5), "ended");
    expect(second).toMatchObject({ lifted: [B], group: { room: 2, admitted: [A, B] } });
  });

  test("an assignment lets the next probe, when no other does", () => {
    const { group } = progressed(progressed(held, D, "ended").group, githubJobId(5), "ended");
    const first = progressed(group, A, "assigned");
    expect(first).toMatchObject({ lifted: [], group: { room: 1, admitted: [B] } });
    expect(progressed(first.group, A, "assigned")).toEqual({ group: first.group, lifted: [] });
    expect(progressed(first.group, B, "assigned")).toMatchObject({ lifted: [C], group: { room: 0 } });
  });

  test("one that was held and ran on another's worker leaves that other its turn", () => {
    const { group } = progressed(held, D, "ended");
    expect(progressed(group, C, "assigned")).toMatchObject({
      lifted: [],
      group: { admitted: [A], waiting: [B] },
    });
  });

  test("one that will never run lets nobody in", () => {
    expect(progressed(held, A, "gone")).toMatchObject({
      lifted: [],
      group: { waiting: [B, C], admitted: [] },
    });
  });
});

test("whatever happens: nobody is lost or twice there, and when all is quiet time admits one", () => {
  const step = fc.record({
    id: fc.integer({ min: 1, max: 6 }).map(githubJobId),
    what: fc.constantFrom("idled", "ask", "assigned", "ended", "gone"),
    afterMs: fc.integer({ min: 0, max: 400_000 }),
  });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (steps, random) => {
        let group = NO_GROUP;
        let now = T0;
        for (const { id, what, afterMs } of steps) {
          now += afterMs;
          if (what === "idled") group = idled(group, id, now, random);
          else if (what === "ask") group = admit(group, id, allOf(group), now).group;
          else group = progressed(group, id, what).group;
          const all = [...group.waiting, ...group.admitted];
          expect(new Set(all).size).toBe(all.length);
          expect(group.probeAt).toBeLessThanOrEqual(now + IDLE_RETRY.maxMs);
        }
        const later = admit(group, A, new Set(), now + IDLE_RETRY.maxMs);
        expect(later.waitUntil).toBeUndefined();
      },
    ),
  );
});
