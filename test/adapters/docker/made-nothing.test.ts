// Starts that fail: whether the engine's answers prove that there is nothing of them to be taken down.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FakeEngine } from "../../fakes/docker/fake-engine.ts";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

let on: OnFake;
beforeEach(async () => {
  on = await openOnFake();
});
afterEach(() => on.close());

type Fault = FakeEngine["fault"];
const at =
  (path: RegExp, answer: ReturnType<Fault>): Fault =>
  (request) =>
    path.test(request.path) ? answer : undefined;
const words = (status: number, message: string) => ({ status, body: { message } });

async function outcomeWith(fault: Fault) {
  on.engine.fault = fault;
  const outcome = await on.open({}, { answerMs: 200 }).start(specOf());
  on.engine.fault = () => undefined;
  return outcome;
}

test.each<[string, Fault]>([
  ["an engine that does not say its version", at(/^\/_ping$/, "cut")],
  ["a creation that is refused for want of space", at(/create$/, words(500, "no space left on device"))],
  ["one that is put off", at(/create$/, words(429, "too many requests"))],
])("nothing was made: %s", async (_what, fault) => {
  expect(await outcomeWith(fault)).toMatchObject({ type: "unavailable", madeNothing: true });
  expect(on.engine.containers.size).toBe(0);
});

test("nothing was made: an engine that is away, and a registry that is", async () => {
  on.engine.images.clear();
  on.engine.fault = at(/^\/images\/create$/, words(500, "dial tcp: i/o timeout"));
  const pulls = await on.open({}, { patienceMs: 5_000 }).start(specOf());
  expect(pulls).toMatchObject({ type: "unavailable", madeNothing: true });
  const { host } = on.engine;
  await on.engine.close();
  const away = await on.open({ host: { url: host, tls: undefined } }).start(specOf());
  expect(away).toMatchObject({ type: "unavailable", madeNothing: true });
});

test.each<[string, Fault]>([
  ["a creation whose answer was lost", at(/create$/, "cut")],
  ["one that takes too long", at(/create$/, "hang")],
  ["a proxy's word on one", at(/create$/, words(503, "upstream"))],
  ["a container that does not start for now", at(/\/start$/, words(500, "device or resource busy"))],
])("that is not proven: %s", async (_what, fault) => {
  const outcome = await outcomeWith(fault);
  expect(outcome.type).toBe("unavailable");
  expect(outcome).not.toHaveProperty("madeNothing");
});
