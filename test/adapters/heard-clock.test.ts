// A function's clock: its host's while others agree, theirs where they do not.
import { beforeEach, describe, expect, test } from "vitest";
import type { HeardClock } from "../../shared/adapters/system/heard-clock.ts";
import { createHeardClock } from "../../shared/adapters/system/heard-clock.ts";
import { T0 } from "../domain/builders.ts";

const MINUTE_MS = 60_000;

let wall: number;
let clock: HeardClock;

beforeEach(() => {
  wall = T0;
  clock = createHeardClock(() => wall);
});

test.each([0, 4_000, -4_000])("is the host's where the store's differs by %i ms", (ms) => {
  clock.hear(T0 + ms);
  expect(clock.now()).toBe(T0);
});

test.each([6_000, 10 * MINUTE_MS, -10 * MINUTE_MS])("follows the store's, which differs by %i ms", (ms) => {
  clock.hear(T0 + ms);
  wall += 2_000;
  expect(clock.now()).toBe(T0 + ms + 2_000);
});

test("is the host's again when that one is set right", () => {
  clock.hear(T0 + 10 * MINUTE_MS);
  wall += 10 * MINUTE_MS;
  clock.hear(wall);
  expect(clock.now()).toBe(wall);
});

test("reads the date of an HTTP answer, and passes over what is none", () => {
  clock.hearDate(new Date(T0 + MINUTE_MS).toUTCString());
  const heard = Math.floor((T0 + MINUTE_MS) / 1_000) * 1_000 + 500;
  expect(clock.now()).toBe(heard);
  for (const none of [undefined, null, "", "yesterday"]) clock.hearDate(none);
  clock.hear(undefined);
  expect(clock.now()).toBe(heard);
});

describe("a time that may be half a minute old", () => {
  test("is no reason to go back by so much", () => {
    clock.hear(T0 - 30_000, 30_000);
    expect(clock.now()).toBe(T0);
  });

  test("shows all the same that the host's is ahead, or behind", () => {
    clock.hear(T0 - MINUTE_MS, 30_000);
    expect(clock.now()).toBe(T0 - MINUTE_MS);
    clock.hear(T0 + MINUTE_MS, 30_000);
    expect(clock.now()).toBe(T0 + MINUTE_MS);
  });
});
