// Images that are not on the host: slow pulls, refusals, and workers that wait.
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StartSpec } from "../../../shared/ports/pool-driver.ts";
import { POLL } from "../../contract/pool-driver-contract.ts";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

const IMAGE = "hub.example.org/cann:8";
let on: OnFake;
beforeEach(async () => {
  on = await openOnFake();
});
afterEach(() => on.close());

/** Pulls stay open until the test ends them. */
function holdPulls(): { readonly pulls: ServerResponse[]; finish(): void } {
  const pulls: ServerResponse[] = [];
  on.engine.fault = ({ path }, response) => {
    if (path !== "/images/create") return undefined;
    pulls.push(response);
    response.writeHead(200, { "content-type": "application/json" });
    say(response, { status: "Downloading", id: "a", progressDetail: { current: 2e9, total: 10e9 } });
    return "mine";
  };
  const finish = () => {
    on.engine.images.add(IMAGE);
    for (const pull of pulls) pull.end();
  };
  return { pulls, finish };
}

function say(response: ServerResponse, message: unknown): void {
  response.write(`${JSON.stringify(message)}\n`);
}

/** A start waits for the registry's answer, however slow this machine is. */
const PATIENT = { patienceMs: 60_000 };

const waiting = (): StartSpec => specOf({ image: IMAGE });
const refuse = (message: string, status = 404) => {
  on.engine.fault = ({ path }) => (path === "/images/create" ? { status, body: { message } } : undefined);
};

test("a slow pull is a phase of its own, one for all who wait, and then they start", async () => {
  const { pulls, finish } = holdPulls();
  const driver = on.open();
  const [one, two] = [waiting(), waiting()];
  expect(await Promise.all([driver.start(one), driver.start(two)])).toEqual([
    { type: "started" },
    { type: "started" },
  ]);
  expect(await driver.start(one)).toEqual({ type: "started" });
  expect(pulls).toHaveLength(1);
  const waits = (text: string) => ({
    type: "running",
    waits: `pulling image ${IMAGE}: ${text}`,
    waitsFor: "image",
  });
  await expect.poll(() => driver.inspect(one.workerId), POLL).toEqual(waits("2.0 of 10.0 GB"));
  for (const pull of pulls) {
    say(pull, { status: "Downloading", id: "b", progressDetail: { current: 1e9, total: 5e9 } });
    say(pull, { status: "Extracting", id: "a", progressDetail: { current: 1, total: 10e9 } });
  }
  await expect.poll(() => driver.inspect(two.workerId), POLL).toEqual(waits("11.0 of 15.0 GB"));
  expect(new Set(await driver.list())).toEqual(new Set([one.workerId, two.workerId]));
  expect(await driver.ended()).toEqual([]);
  finish();
  const running = { type: "running", slots: [0, 3], devices: ["0", "3"] };
  await expect.poll(() => driver.inspect(one.workerId), POLL).toEqual(running);
  await expect.poll(() => driver.inspect(two.workerId), POLL).toEqual(running);
  expect(await driver.list()).toHaveLength(2);
});

test("a worker that is stopped while it waits gets no container", async () => {
  const { finish } = holdPulls();
  const driver = on.open();
  const spec = waiting();
  await driver.start(spec);
  expect(await driver.stop(spec.workerId, 1_000)).toBe("gone");
  expect(await driver.list()).toEqual([]);
  finish();
  await expect.poll(() => on.log.of("image-pulled"), POLL).toHaveLength(1);
  expect(await driver.inspect(spec.workerId)).toEqual({ type: "gone" });
  expect(on.engine.count("POST /containers/create")).toBe(1);
});

test("another dispatcher finds such a worker gone, and starts it itself", async () => {
  const { finish } = holdPulls();
  const spec = waiting();
  await on.open().start(spec);
  const next = on.open();
  expect(await next.inspect(spec.workerId)).toEqual({ type: "gone" });
  await next.start(spec);
  finish();
  await expect
    .poll(() => next.inspect(spec.workerId), POLL)
    .toMatchObject({ type: "running", devices: ["0", "3"] });
  expect(on.engine.containers.size).toBe(1);
});

test("a pull that fails while a worker waits ends that worker, with the reason as its last words", async () => {
  const { pulls } = holdPulls();
  const driver = on.open();
  const spec = waiting();
  await driver.start(spec);
  for (const pull of pulls) {
    say(pull, { error: "write /var/lib/docker/tmp/x: no space left on device" });
    pull.end();
  }
  await expect.poll(() => driver.ended(), POLL).toEqual([spec.workerId]);
  expect(await driver.inspect(spec.workerId)).toEqual({
    type: "exited",
    code: undefined,
    result: undefined,
    reason: expect.stringMatching(/^was never made: .*no space left/),
  });
  expect(await driver.logsTail(spec.workerId, 5)).toEqual([expect.stringContaining("no space left")]);
  expect(await driver.stop(spec.workerId, 0)).toBe("gone");
  expect(await driver.logsTail(spec.workerId, 5)).toEqual([]);
});

test.each([
  ["toomanyrequests: You have reached your pull rate limit", 60_000],
  ["dial tcp 10.0.0.1:443: connect: connection refused", 10_000],
])("a registry that is away or busy is tried again: %s", async (words, retryAfterMs) => {
  refuse(words, 500);
  const driver = on.open({}, PATIENT);
  // Only who needs this image waits for its registry, which is asked once for all of them.
  for (const spec of [waiting(), waiting()]) {
    expect(await driver.start(spec)).toMatchObject({ type: "unavailable", retryAfterMs, of: "job" });
  }
  expect(on.engine.count("POST /images/create")).toBe(1);
  on.clock.advance(retryAfterMs);
  await driver.start(waiting());
  expect(on.engine.count("POST /images/create")).toBe(2);
});

test("an error within the answer is one too", async () => {
  on.engine.fault = ({ path }) =>
    path === "/images/create" ? { status: 200, body: '{"status":"x"}\n{"error":"denied: no"}' } : undefined;
  expect(await on.open({}, PATIENT).start(waiting())).toMatchObject({
    type: "unavailable",
    of: "job",
    message: expect.stringContaining("denied"),
  });
});

test("an engine that falls silent does not hold a pull for ever", async () => {
  holdPulls();
  const driver = on.open({}, { pullQuietMs: 100, patienceMs: 5_000 });
  const outcome = await driver.start(waiting());
  expect(outcome).toMatchObject({
    type: "unavailable",
    message: expect.stringContaining("does not answer in time"),
  });
  expect(outcome).not.toHaveProperty("of");
});

test("never pulls, or before each start", async () => {
  const never = await on.open({ pullPolicy: "never" }).start(waiting());
  expect(never).toMatchObject({ type: "refused", message: expect.stringContaining(`docker pull ${IMAGE}`) });
  expect(on.engine.count("POST /images/create")).toBe(0);
  const always = on.open({ pullPolicy: "always" });
  const spec = specOf({ image: "worker" });
  on.engine.images.add("worker");
  expect(await always.start(spec)).toEqual({ type: "started" });
  expect(await always.start(spec)).toEqual({ type: "started" });
  expect(on.engine.count("POST /images/create")).toBe(1);
  // Without a tag an engine would pull them all.
  expect(on.engine.requests.find(({ path }) => path === "/images/create")?.query.get("fromImage")).toBe(
    "worker:latest",
  );
});

test("the login for its registry goes along, read anew for each pull", async () => {
  let password = "one\n";
  const registry = {
    host: "hub.example.org",
    username: "ci",
    passwordEnv: undefined,
    passwordFile: "/run/hub",
  };
  const driver = on.open({ registries: [registry] }, { secrets: { env: {}, readFile: () => password } });
  const auths = () =>
    on.engine.requests
      .filter(({ path }) => path === "/images/create")
      .map(({ headers }) =>
        JSON.parse(Buffer.from(String(headers["x-registry-auth"]), "base64url").toString()),
      );
  await driver.start(waiting());
  on.engine.images.delete(IMAGE);
  password = "two";
  await driver.start(waiting());
  const auth = { username: "ci", serveraddress: "hub.example.org" };
  expect(auths()).toEqual([
    { ...auth, password: "one" },
    { ...auth, password: "two" },
  ]);
  expect(JSON.stringify(on.log.entries)).not.toMatch(/one|two/);
});

test.each([
  [{ passwordEnv: "HUB_PASSWORD", passwordFile: undefined }, "HUB_PASSWORD"],
  [{ passwordEnv: undefined, passwordFile: "/run/hub" }, "ENOENT"],
])("a password that is not there is a refusal: %o", async (place, told) => {
  const readFile = () => {
    throw Object.assign(new Error("no"), { code: "ENOENT" });
  };
  const registries = [{ host: "hub.example.org", username: "ci", ...place }];
  expect(await on.open({ registries }, { secrets: { env: {}, readFile } }).start(waiting())).toMatchObject({
    type: "refused",
    message: expect.stringContaining(told),
  });
});
