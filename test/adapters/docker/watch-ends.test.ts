// The ends of containers, heard from the events of a stand-in of an engine: which are told, and how it is listened to again.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PoolDriver } from "../../../shared/ports/pool-driver.ts";
import { newId, POLL } from "../../contract/pool-driver-contract.ts";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

let on: OnFake;
let heard: string[];
let stop: () => void;
beforeEach(async () => {
  on = await openOnFake();
  heard = [];
  stop = () => undefined;
});
afterEach(async () => {
  stop();
  await on.close();
});

const listeners = () => on.engine.listeners.size;
const asked = () => on.engine.count("GET /events");

function watch(driver: PoolDriver = on.open({}, { eventsPauseMs: 5 })): void {
  const watched = driver.watch?.((id) => heard.push(id));
  stop = () => watched?.stop();
}

async function worker() {
  const spec = specOf();
  await on.open().start(spec);
  return spec.workerId;
}

test("an end is told, other events are not; by one connection with the engine's own filter", async () => {
  const [one, other] = [await worker(), await worker()];
  watch();
  await expect.poll(listeners, POLL).toBe(1);
  on.engine.tell("start", one);
  on.engine.tell("exec_die", one);
  on.engine.tell("oom", one);
  on.engine.tell("die", other);
  // Podman's own word.
  on.engine.tell("died", one);
  await expect.poll(() => heard, POLL).toEqual([other, one]);
  const request = on.engine.requests.find(({ path }) => path === "/events");
  expect(JSON.parse(request?.query.get("filters") ?? "")).toEqual({
    type: ["container"],
    label: ["npu-dispatch.deployment=abc123", "npu-dispatch.pool=npus"],
  });
  expect(asked()).toBe(1);
});

test("a builder's end is none of a worker, nor is another pool's, nor is what is no event", async () => {
  const [id, builder] = [await worker(), newId()];
  Object.assign(on.engine.containers.get(id)!.body.Labels, { "npu-dispatch.role": "builder" });
  const [foreign, last] = [await worker(), await worker()];
  Object.assign(on.engine.containers.get(foreign)!.body.Labels, { "npu-dispatch.pool": "other" });
  watch();
  await expect.poll(listeners, POLL).toBe(1);
  on.engine.tell("die", id);
  // No container of ours: no labels.
  on.engine.tell("die", builder);
  for (const listener of on.engine.listeners) listener.write("<html>\n[]\n\n");
  on.engine.tell("die", foreign);
  on.engine.tell("die", last);
  await expect.poll(() => heard, POLL).toEqual([last]);
});

test("a connection that ends is made anew, and what is told then is heard", async () => {
  const id = await worker();
  watch();
  await expect.poll(listeners, POLL).toBe(1);
  for (const listener of on.engine.listeners) listener.end();
  await expect.poll(() => [listeners(), asked()], POLL).toEqual([1, 2]);
  for (const listener of on.engine.listeners) listener.destroy();
  await expect.poll(() => [listeners(), asked()], POLL).toEqual([1, 3]);
  on.engine.tell("die", id);
  await expect.poll(() => heard, POLL).toEqual([id]);
});

test("an engine that is away, or lets nobody listen, is asked ever more seldom, and says so once", async () => {
  const times: number[] = [];
  on.engine.fault = ({ path }) => {
    if (path !== "/events") return undefined;
    times.push(performance.now());
    return times.length % 2 === 0 ? "cut" : { status: 403, body: { message: "denied" } };
  };
  watch();
  await expect.poll(() => times.length, POLL).toBe(6);
  const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  // 5, 10, 20, 40, 80 ms and the calls themselves.
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(75);
  expect(on.log.of("events-not-heard")).toMatchObject([{ message: "the engine answered 403" }]);
  on.engine.fault = () => undefined;
  await expect.poll(listeners, POLL).toBe(1);
});

test("once stopped it neither hears nor asks", async () => {
  const id = await worker();
  watch();
  await expect.poll(listeners, POLL).toBe(1);
  stop();
  await expect.poll(listeners, POLL).toBe(0);
  on.engine.tell("die", id);
  const before = asked();
  await on.open().list();
  expect(asked()).toBe(before);
  expect(heard).toEqual([]);
});
