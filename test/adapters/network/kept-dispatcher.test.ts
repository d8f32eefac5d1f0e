// Connections of undici: replaced together after a pause or a failure, without harm to what is under way.
import { setImmediate as turn } from "node:timers/promises";
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch } from "undici";
import { afterEach, expect, test, vi } from "vitest";
import { createKeptDispatcher } from "../../../shared/adapters/network/kept-dispatcher.ts";
import { type Recorder, type Reply, startRecorder } from "../../fakes/recorder.ts";

const FINE: Reply = { status: 200, body: "fine" };
let recorder: Recorder | undefined;
let now = 1_000_000;

afterEach(async () => {
  await recorder?.stop();
  recorder = undefined;
});

async function serve(
  reply: (path: string) => Reply | Promise<Reply>,
  create: () => Dispatcher = () => new Agent(),
) {
  const started = await startRecorder(({ path }) => reply(path));
  recorder = started;
  const made: Dispatcher[] = [];
  const client = createKeptDispatcher(
    () => {
      const dispatcher = create();
      made.push(dispatcher);
      return dispatcher;
    },
    () => now,
  );
  const send = (path: string) => async (dispatcher: Dispatcher) => {
    const text = await (await fetch(`${started.endpoint}${path}`, { dispatcher })).text();
    // undici takes a turn until the connection is free.
    await turn();
    return text;
  };
  return {
    get: (path = "/") => client.run(send(path)),
    alone: (path = "/") => client.runAlone(send(path)),
    ports: () => started.heard.map(({ port }) => port),
    /** Those that were closed, in the order of their making. */
    closed: () => made.map((dispatcher) => (dispatcher as Agent).closed),
  };
}

test("connections are kept for 5 s of the wall clock", async () => {
  const { get, ports, closed } = await serve(() => FINE);
  await get();
  now += 5_000;
  await get();
  now += 5_001;
  await get();
  now -= 1;
  await get();
  const [first, second, third, fourth] = ports();
  expect(second).toBe(first);
  expect(new Set([first, third, fourth]).size).toBe(3);
  expect(closed()).toEqual([true, true, false]);
});

test("what is under way ends well though its client is replaced, which is closed then", async () => {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const { get, ports, closed } = await serve((path) => (path === "/slow" ? promise : FINE));
  const slow = get("/slow");
  await expect.poll(() => ports().length).toBe(1);
  now += 60_000;
  await get();
  expect(closed()).toEqual([false, false]);
  resolve(FINE);
  expect(await slow).toBe("fine");
  expect(closed()).toEqual([true, false]);
});

test("after a failure the others of the same age are not tried", async () => {
  const { get, ports } = await serve((path) => (path === "/drop" ? "drop" : FINE));
  await Promise.all([get(), get(), get()]);
  const before = new Set(ports());
  await expect(get("/drop")).rejects.toThrow("fetch failed");
  await get();
  expect(before).not.toContain(ports().at(-1));
});

test("alone means over a connection that nobody has used or will use", async () => {
  const { get, alone, ports, closed } = await serve(() => FINE);
  await get();
  expect([await alone(), await alone()]).toEqual(["fine", "fine"]);
  await get();
  const [first, second, third, last] = ports();
  expect(new Set([first, second, third]).size).toBe(3);
  expect(last).toBe(first);
  expect(closed()).toEqual([false, true, true]);
});

test.each(["no_proxy", "http_proxy", "http_proxy https_proxy"])(
  "clients close without a fault, with %s",
  async (names) => {
    for (const name of names.split(" ")) vi.stubEnv(name, "http://127.0.0.1:9");
    vi.stubEnv("no_proxy", "127.0.0.1");
    const { get, alone, closed } = await serve(
      () => FINE,
      () => new EnvHttpProxyAgent(),
    );
    await get();
    now += 60_000;
    await Promise.all([get(), alone()]);
    expect(closed()).toEqual([true, false, true]);
  },
);
