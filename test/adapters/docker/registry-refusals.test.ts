// What a registry refuses is tried again, until it has been refused several times over a minute: then it is a refusal.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

const IMAGE = "hub.example.org/cann:8";
/** A start waits for the registry's answer, however slow this machine is. */
const PATIENT = { patienceMs: 60_000 };
const AGAIN_MS = 10_000;

let on: OnFake;
beforeEach(async () => {
  on = await openOnFake();
});
afterEach(() => on.close());

const waiting = (): StartSpec => specOf({ image: IMAGE });
const refuse = (message: string) => {
  on.engine.fault = ({ path }) =>
    path === "/images/create" ? { status: 404, body: { message } } : undefined;
};
const asked = () => on.engine.count("POST /images/create");

const WORDS = [
  ["manifest for hub.example.org/cann:8 not found: manifest unknown", "check its name and tag"],
  [
    "pull access denied for cann, repository does not exist or may require 'docker login'",
    "login for its registry",
  ],
  [
    "failed to fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token: 403 Forbidden",
    "login for its registry",
  ],
  ["Get https://hub.example.org/v2/: dial tcp: lookup hub.example.org: no such host", "name of its registry"],
  ["no matching manifest for linux/arm64/v8 in the manifest list entries", "architecture"],
  ["Get https://hub.example.org/v2/: x509: certificate has expired or is not yet valid", "does not trust"],
] as const;

test.each(WORDS)("%s: passes, when it is gone after a while", async (words, advice) => {
  refuse(words);
  const driver = on.open({}, PATIENT);
  const outcome = await driver.start(waiting());
  expect(outcome).toMatchObject({ type: "unavailable", of: "job", retryAfterMs: AGAIN_MS });
  expect(outcome).toMatchObject({ message: expect.stringContaining(words) });
  expect(outcome).toMatchObject({ message: expect.stringContaining(advice) });
  // All who need the image are told the same meanwhile.
  await driver.start(waiting());
  expect(asked()).toBe(1);
  on.clock.advance(AGAIN_MS);
  on.engine.fault = () => undefined;
  expect(await driver.start(waiting())).toEqual({ type: "started" });
});

test.each(WORDS)("%s: is a refusal after a minute of it", async (words, advice) => {
  refuse(words);
  const driver = on.open({}, PATIENT);
  for (let answer = 0; answer < 6; answer++) {
    expect(await driver.start(waiting())).toMatchObject({ type: "unavailable" });
    on.clock.advance(AGAIN_MS);
  }
  expect(await driver.start(waiting())).toMatchObject({
    type: "refused",
    message: expect.stringContaining(advice),
  });
  // The registry is not asked again for a minute, and its next no is believed at once.
  const before = asked();
  expect(await driver.start(waiting())).toMatchObject({ type: "refused" });
  expect(asked()).toBe(before);
  on.clock.advance(60_000);
  expect(await driver.start(waiting())).toMatchObject({ type: "refused" });
  expect(asked()).toBe(before + 1);
});

test("two answers are too few, however far apart; a pull in between ends the count", async () => {
  refuse("no such host");
  const driver = on.open({}, PATIENT);
  await driver.start(waiting());
  on.clock.advance(120_000);
  expect(await driver.start(waiting())).toMatchObject({ type: "unavailable" });
  on.clock.advance(AGAIN_MS);
  on.engine.fault = () => undefined;
  expect(await driver.start(waiting())).toEqual({ type: "started" });
  on.engine.images.delete(IMAGE);
  refuse("no such host");
  expect(await driver.start(waiting())).toMatchObject({ type: "unavailable" });
});

test("a name that is none is refused at once: no registry was asked", async () => {
  refuse("invalid reference format");
  expect(await on.open({}, PATIENT).start(waiting())).toMatchObject({ type: "refused" });
});
