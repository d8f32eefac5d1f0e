// What is paused where, and what a drain makes of each worker.
import { describe, expect, test } from "vitest";
import type { Pause, Place } from "../../../shared/domain/admission/pauses.ts";
import {
  hasDrains,
  hasPausedEndpoints,
  isDrained,
  listPauses,
  NO_PAUSES,
  paused,
  pauseOf,
  resumed,
} from "../../../shared/domain/admission/pauses.ts";
import { OPERATOR_DRAIN_MS } from "../../../shared/domain/deadlines.ts";
import { endpointName, tenantId } from "../../../shared/domain/ids.ts";
import {
  cleared,
  lifted,
  liftedByHand,
  quarantinedByHand,
  struck,
} from "../../../shared/domain/pool/card-trouble.ts";
import { freeCards, freeSlots, usableCards } from "../../../shared/domain/pool/pool.ts";
import { calledOff, wasCalledOff } from "../../../shared/domain/worker/called-off.ts";
import { decideSettlement } from "../../../shared/domain/worker/settling.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import { aJob, aPool, aReport, aWorker, LIMITS, POOL, T0, TENANT } from "../builders.ts";

const ENDPOINT = endpointName("linux-aarch64-a2-1");
const WHERE = { pool: POOL, tenant: TENANT, endpoint: ENDPOINT };
const PLACES: readonly Place[] = [
  { kind: "pool", name: POOL },
  { kind: "tenant", name: TENANT },
  { kind: "endpoint", name: ENDPOINT },
];
const aPause = (overrides: Partial<Pause> = {}): Pause => ({
  mode: "pause",
  reason: "why",
  at: T0,
  by: "admin",
  ...overrides,
});

describe("pauses", () => {
  test.each(PLACES)(
    "of a $kind hold up what is there, and nothing elsewhere, until it is resumed",
    (place) => {
      const pauses = paused(NO_PAUSES, place, aPause());
      expect(pauseOf(pauses, WHERE)).toEqual({ place, pause: aPause() });
      const elsewhere = { pool: "b" as never, tenant: tenantId(1), endpoint: endpointName("x") };
      expect(pauseOf(pauses, elsewhere)).toBeUndefined();
      expect(listPauses(pauses)).toEqual([{ place, pause: aPause() }]);
      expect(hasPausedEndpoints(pauses)).toBe(place.kind === "endpoint");
      expect(resumed(pauses, place)).toEqual(NO_PAUSES);
      const [other] = PLACES.filter((one) => one !== place);
      expect(resumed(pauses, other as Place)).toBe(pauses);
    },
  );

  test("the widest place is named; a drain of any of them drains", () => {
    const [pool, tenant, endpoint] = PLACES as readonly [Place, Place, Place];
    const both = paused(paused(NO_PAUSES, endpoint, aPause({ mode: "drain" })), tenant, aPause());
    expect(pauseOf(both, WHERE)?.place).toEqual(tenant);
    expect([isDrained(both, WHERE), hasDrains(both)]).toEqual([true, true]);
    expect(hasPausedEndpoints(both)).toBe(true);
    const all = paused(both, pool, aPause());
    expect(pauseOf(all, WHERE)?.place).toEqual(pool);
    const later = paused(all, endpoint, aPause());
    expect([isDrained(later, WHERE), hasDrains(later)]).toEqual([false, false]);
  });

  test("of a tenant or an endpoint are nothing to those that ask for the pool alone", () => {
    const [pool, tenant, endpoint] = PLACES as readonly [Place, Place, Place];
    const narrow = paused(paused(NO_PAUSES, tenant, aPause()), endpoint, aPause());
    expect(pauseOf(narrow, { pool: POOL })).toBeUndefined();
    expect(pauseOf(narrow, { pool: POOL, endpoint: ENDPOINT })?.place).toEqual(endpoint);
    expect(pauseOf(paused(narrow, pool, aPause()), { pool: POOL })?.place).toEqual(pool);
  });

  test("a reason is a part of a sentence: it loses its full stop", () => {
    const [place] = PLACES as readonly [Place];
    const pauses = paused(NO_PAUSES, place, aPause({ reason: "driver upgrade. " }));
    expect(pauseOf(pauses, WHERE)?.pause.reason).toBe("driver upgrade");
  });
});

describe("a drain", () => {
  const step = { now: T0 + OPERATOR_DRAIN_MS, limits: LIMITS };
  const off = (worker: Partial<Worker>) => calledOff(aWorker(worker), step);
  const listening = { state: "listening", registered: true, phases: { listening: T0 } } as const;

  test.each<[string, Partial<Worker>]>([
    ["is being started", { state: "reserving" }],
    ["has its registration and does not listen yet", { state: "booted", registered: true }],
    ["has just begun to listen", { ...listening, phases: { listening: T0 + 1 } }],
    ["runs a job", { state: "running", registered: true, phases: { listening: T0, running: T0 } }],
    ["was asked before", { ...listening, drain: { reason: "idle", at: T0 } }],
    ["was asked before it had its registration", { state: "booted", drain: { reason: "surplus", at: T0 } }],
    ["has ended", { state: "finished" }],
    ["is the runner of an API job", { ...listening, kind: "api-runner" }],
    ["is a program that has not come for its job", { kind: "program", state: "starting" }],
    [
      "is a program with a job",
      {
        kind: "program",
        state: "listening",
        lease: {
          jobId: aJob().id,
          generation: 1,
          givenAt: T0,
          times: 1,
          ackedAt: undefined,
          missedAt: undefined,
        },
      },
    ],
  ])("lets a worker go on that %s", (_which, worker) => {
    expect(off(worker)).toBeUndefined();
  });

  test("asks a runner that idles, ends at once what cannot have a job, and blames neither", () => {
    expect(off(listening)).toMatchObject({ state: "listening", drain: { reason: "operator" } });
    for (const state of ["starting", "booted"] as const) {
      const ended = off({ state });
      expect(ended).toMatchObject({
        state: "lost",
        drain: { reason: "operator", at: step.now },
        dueAt: step.now,
      });
      const job = aJob({ workerId: aWorker().id });
      expect(decideSettlement(job, ended as Worker)).toEqual({ type: "called-off" });
    }
    const idle = off({ kind: "program", state: "listening" });
    expect(idle).toMatchObject({ state: "finished", report: { outcome: "idle" } });
  });

  test("a runner that had a job after all was not called off", () => {
    const asked = { drain: { reason: "operator", at: T0 } } as const;
    expect(wasCalledOff(aWorker({ ...listening, ...asked }))).toBe(true);
    expect(wasCalledOff(aWorker({ ...asked, report: aReport() }))).toBe(false);
    expect(wasCalledOff(aWorker({ ...asked, phases: { running: T0 } }))).toBe(false);
    expect(wasCalledOff(aWorker({ ...listening, drain: { reason: "idle", at: T0 } }))).toBe(false);
  });
});

describe("a card that an operator takes out of use", () => {
  const pool = quarantinedByHand(aPool({ total: 4 }), "2", "HBM errors", T0);

  test("is given to nobody, whatever time passes or runs on it", () => {
    expect([freeCards(pool), usableCards(pool), freeSlots(pool)]).toEqual([3, 3, [0, 1, 3]]);
    expect(lifted(pool, T0 + 10 * 365 * 86_400_000)).toBe(pool);
    expect(cleared(pool, ["2"])).toBe(pool);
    expect(struck(pool, ["2"], "failed", T0).trouble).toEqual(pool.trouble);
    expect(JSON.parse(JSON.stringify(pool))).toMatchObject({ trouble: pool.trouble });
    expect(new Date(pool.trouble?.["2"]?.until as number).getTime()).not.toBeNaN();
  });

  test("comes back when it is lifted, with a clean record; so does one that failed by itself", () => {
    expect(freeCards(liftedByHand(pool, "2"))).toBe(4);
    const failed = struck(struck(aPool({ total: 4 }), ["1"], "x", T0), ["1"], "x", T0);
    expect(liftedByHand(failed, "1").trouble).toEqual({});
    expect(liftedByHand(pool, "3")).toBe(pool);
  });
});
