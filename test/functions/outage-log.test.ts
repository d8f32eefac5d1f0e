// What fails again and again is one line when it begins, and one with the count when it is over.
import { expect, test } from "vitest";
import { createOutageLog } from "../../functions/outage-log.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";

const AWAY = "no Docker engine answers at unix:///run/docker.sock";
const failing = (...messages: string[]) =>
  new AggregateError(
    [
      new AggregateError(
        messages.map((message) => new Error(message)),
        "2 of 7 failed",
      ),
    ],
    "1 part of the pass failed",
  );

function open() {
  const log = createCollectingLog();
  let now = 1_000;
  const outage = createOutageLog(log, { now: () => now }, "reconcile");
  return { log, outage, later: (ms: number) => (now += ms) };
}

test("an engine that is away for an hour: one line each for its going and its coming back", () => {
  const { log, outage, later } = open();
  for (let pass = 0; pass < 1_800; pass += 1) {
    // However many containers it was asked about.
    outage.failed(failing(AWAY, ...(pass % 2 ? [AWAY] : [])));
    later(2_000);
  }
  outage.succeeded();
  outage.succeeded();
  expect(log.entries.map(({ level, event }) => `${level} ${event}`)).toEqual([
    "error reconcile-failed",
    "warn reconcile-recovered",
  ]);
  expect(log.entries[1]).toMatchObject({ count: 1_800, ms: 3_600_000 });
});

test("a second cause is written too, and the first again in the next outage", () => {
  const { log, outage } = open();
  for (const message of [AWAY, "the store is full", AWAY]) outage.failed(failing(message));
  outage.succeeded();
  outage.failed(failing(AWAY));
  expect(log.entries.map(({ event }) => event)).toEqual([
    "reconcile-failed",
    "reconcile-failed",
    "reconcile-recovered",
    "reconcile-failed",
  ]);
});

test("causes that name something new each time end at a bound", () => {
  const { log, outage } = open();
  for (let pass = 0; pass < 1_000; pass += 1) outage.failed(failing(`looking at w-${pass} failed`));
  expect(log.entries).toHaveLength(50);
});
