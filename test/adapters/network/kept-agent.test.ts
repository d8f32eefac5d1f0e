// Connections of Node's client: kept while they are surely alive, and given up together when one turns out to be dead.
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { createKeptAgent } from "../../../shared/adapters/network/kept-agent.ts";
import { type Recorder, type Reply, startRecorder } from "../../fakes/recorder.ts";

const FINE: Reply = { status: 200, body: "fine" };
let recorder: Recorder | undefined;
let now = 1_000_000;

afterEach(async () => {
  await recorder?.stop();
  recorder = undefined;
});

async function serve(reply: (path: string) => Reply | Promise<Reply>) {
  const started = await startRecorder(({ path }) => reply(path));
  recorder = started;
  const { agent, request, refresh } = createKeptAgent("http:", { now: () => now });
  /** Answers the client's port: the same for the same connection. */
  const get = async (path = "/"): Promise<number> => {
    refresh();
    const sent = request(`${started.endpoint}${path}`, { agent }).end();
    const [answer] = await once(sent, "response");
    answer.resume();
    const free = once(agent, "free");
    await free;
    return sent.socket?.localPort ?? 0;
  };
  return { get, agent, heard: started.heard };
}

test("one that was used within 5 s is used again", async () => {
  const { get } = await serve(() => FINE);
  const first = await get();
  now += 5_000;
  expect(await get()).toBe(first);
  now += 5_000;
  expect(await get()).toBe(first);
});

test.each([5_001, 3_600_000, -1])("one that was idle for %i ms by the wall clock is not", async (ms) => {
  const { get } = await serve(() => FINE);
  const first = await get();
  now += ms;
  expect(await get()).not.toBe(first);
});

test("the age is each connection's own: one that was left over from a burst is not used later", async () => {
  const { get } = await serve(() => FINE);
  const burst = new Set(await Promise.all([get(), get(), get()]));
  expect(burst.size).toBe(3);
  now += 4_000;
  const used = await get();
  now += 4_000;
  const later = await Promise.all([get(), get()]);
  expect(later.filter((port) => burst.has(port))).toEqual([used]);
});

test("a request that is under way goes on", async () => {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const { get, heard } = await serve((path) => (path === "/slow" ? promise : FINE));
  await get();
  const slow = get("/slow");
  await expect.poll(() => heard.length).toBe(2);
  now += 60_000;
  await get();
  resolve(FINE);
  expect(await slow).toBeGreaterThan(0);
});

test("after one has failed none of its age is tried", async () => {
  const { get } = await serve((path) => (path === "/drop" ? "drop" : FINE));
  const burst = new Set(await Promise.all([get(), get(), get()]));
  await expect(get("/drop")).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(burst).not.toContain(await get());
});
