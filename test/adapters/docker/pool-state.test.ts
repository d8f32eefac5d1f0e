// Limits, states and cards of a Docker pool, on the stand-in of an engine.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { giveDevices } from "../../../shared/adapters/pools/docker/give-devices.ts";
import { STOP_GRACE_MS } from "../../../shared/domain/deadlines.ts";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

let on: OnFake;
beforeEach(async () => {
  on = await openOnFake();
});
afterEach(() => on.close());

async function started() {
  const spec = specOf({ limitMs: 60_000 });
  await on.open().start(spec);
  const container = on.engine.containers.get(spec.workerId);
  if (container === undefined) throw new Error("no container was made");
  return { workerId: spec.workerId, container };
}

describe("the limit of a container's life", () => {
  test("TERM once at the limit, KILL after the grace, by whoever looks", async () => {
    const { workerId, container } = await started();
    const driver = on.open();
    on.clock.advance(59_999);
    await driver.list();
    expect(container.signals).toEqual([]);
    on.clock.advance(1);
    await driver.ended();
    await driver.inspect(workerId);
    expect(container.signals).toEqual(["SIGTERM"]);
    on.clock.advance(STOP_GRACE_MS);
    expect(await driver.inspect(workerId)).toMatchObject({ type: "running" });
    expect(container.signals).toEqual(["SIGTERM", "SIGKILL"]);
    Object.assign(container, { status: "exited", exitCode: 137 });
    expect(await driver.ended()).toEqual([workerId]);
    expect(await driver.inspect(workerId)).toMatchObject({ type: "exited", code: 137 });
    expect(container.signals).toHaveLength(2);
    expect(on.log.of("worker-limit-reached")).toHaveLength(2);
  });

  test("a paused container heeds no TERM; one that an engine cannot kill is told of", async () => {
    const { container } = await started();
    container.status = "paused";
    on.clock.advance(60_000);
    on.engine.fault = ({ path }) =>
      path.endsWith("/kill") ? { status: 500, body: { message: "D state" } } : undefined;
    await on.open().list();
    expect(on.engine.requests.at(-1)?.query.get("signal")).toBe("SIGKILL");
    expect(on.log.of("worker-outlives-limit")).toMatchObject([{ message: "D state" }]);
    on.engine.fault = ({ path }) => (path.endsWith("/kill") ? { status: 409 } : undefined);
    await on.open().list();
    expect(on.log.of("worker-outlives-limit")).toHaveLength(1);
  });

  test("a container whose label was lost has no limit", async () => {
    const { container } = await started();
    Object.assign(container.body.Labels, { "npu-dispatch.deadline": "" });
    on.clock.advance(1e12);
    await on.open().list();
    expect(container.signals).toEqual([]);
  });
});

describe("what a container's state means", () => {
  test("paused is running, with the reason; what ended it is told", async () => {
    const { workerId, container } = await started();
    container.status = "paused";
    expect(await on.open().inspect(workerId)).toMatchObject({
      type: "running",
      waits: expect.stringContaining("paused"),
      waitsFor: "host",
    });
    Object.assign(container, { status: "exited", exitCode: 137, outOfMemory: true });
    const seen = () => on.open().inspect(workerId);
    const exited = { type: "exited", code: 137, result: undefined, slots: [0, 3], devices: ["0", "3"] };
    const reason = expect.stringMatching(/^was killed for lack of memory .*: raise perCard\.memory of pool /);
    expect(await seen()).toEqual({ ...exited, reason });
    Object.assign(container, { outOfMemory: false, error: "OCI runtime create failed: exec format error" });
    expect(await seen()).toMatchObject({ reason: expect.stringMatching(/^could not be run: .*exec format/) });
    const deadline = Number(Object(container.body.Labels)["npu-dispatch.deadline"]);
    Object.assign(container, { error: "", finishedAt: new Date(deadline - 1_000).toISOString() });
    expect(await seen()).toEqual(exited);
    container.finishedAt = new Date(deadline + 1_000).toISOString();
    expect(await seen()).toEqual({ ...exited, reason: "was ended at its time limit" });
  });

  test("only this deployment's are listed, by the engine's own filter; a list that failed is asked once more", async () => {
    await started();
    let failures = 1;
    on.engine.fault = ({ path }) =>
      path === "/containers/json" && failures-- > 0
        ? { status: 500, body: { message: "no such container" } }
        : undefined;
    expect(await on.open().list()).toHaveLength(1);
    const filters = on.engine.requests.at(-1)?.query.get("filters") ?? "";
    expect(JSON.parse(filters)).toEqual({
      label: ["npu-dispatch.deployment=abc123", "npu-dispatch.pool=npus"],
    });
    failures = 2;
    await expect(on.open().list()).rejects.toThrow("no such container");
  });

  test("a removal that an engine cannot make is stopping, and is asked for again", async () => {
    const { workerId } = await started();
    on.engine.fault = ({ method }) =>
      method === "DELETE" ? { status: 500, body: { message: "device or resource busy" } } : undefined;
    expect(await on.open().stop(workerId, 0)).toBe("stopping");
    expect(on.log.of("worker-not-stopped")).toMatchObject([{ message: "device or resource busy" }]);
    on.engine.fault = () => undefined;
    expect(await on.open().stop(workerId, 0)).toBe("gone");
  });
});

describe("cards", () => {
  let devDir: string;
  beforeEach(async () => {
    devDir = await mkdtemp(join(tmpdir(), "npu-dispatch-dev-"));
  });
  afterEach(() => rm(devDir, { recursive: true }));

  test("a number, ids, simulated ones, or an engine's GPUs and cores", async () => {
    expect(await on.open({ cards: 4 }).capacity()).toEqual({ total: 4, simulated: false });
    expect(await on.open({ cardIds: [4, 6] }).capacity()).toEqual({ total: 2, simulated: false });
    expect(await on.open({ cards: "auto", devices: "simulated" }).capacity()).toEqual({
      total: 8,
      simulated: true,
    });
    expect(await on.open({ kind: "cpu", cards: 0 }).capacity()).toEqual({ total: 4, simulated: false });
    expect(on.open({ kind: "cpu" }).capabilities.namedCards).toBe(false);
    on.engine.info = {
      NCPU: 1,
      DiscoveredDevices: [{ ID: "nvidia.com/gpu=1" }, { ID: "nvidia.com/gpu=all" }],
    };
    expect(await on.open({ kind: "gpu", cards: "auto" }).capacity()).toEqual({ total: 1, simulated: false });
    on.engine.info = { NCPU: 1, GenericResources: [{ NamedResourceSpec: { Kind: "NVIDIA-GPU" } }, {}] };
    expect(await on.open({ kind: "gpu", cards: "auto" }).capacity()).toEqual({ total: 1, simulated: false });
  });

  test("cards that cannot be counted are a fault with a way out, and are counted again", async () => {
    const driver = on.open({ cards: "auto" });
    await expect(driver.capacity()).rejects.toThrow("set cards to their number");
    expect(await driver.start(specOf())).toMatchObject({ type: "refused" });
  });

  test("the device files of this host, where the engine is on it", async () => {
    await writeFile(join(devDir, "davinci2"), "");
    await writeFile(join(devDir, "davinci5"), "");
    const host = { url: "unix:///nowhere/docker.sock", tls: undefined };
    expect(await on.open({ cards: "auto", host }, { devDir }).capacity()).toEqual({
      total: 2,
      simulated: false,
    });
  });

  test("by index, whatever their numbers", async () => {
    const spec = specOf({ slots: [1], cards: 1 });
    const driver = on.open({ cardIds: [4, 6] });
    await driver.start(spec);
    expect(await driver.inspect(spec.workerId)).toEqual({ type: "running", slots: [1], devices: ["6"] });
  });

  test("as a request, by a runtime, or not at all", () => {
    const cards = { numbers: [4, 6], slots: [0, 1] };
    const base = { runtime: "ascend", deviceFiles: [] };
    expect(giveDevices(cards, { ...base, kind: "gpu", devices: "engine" })).toEqual({
      hostConfig: { DeviceRequests: [{ Driver: "nvidia", DeviceIDs: ["4", "6"], Capabilities: [["gpu"]] }] },
      env: { NVIDIA_VISIBLE_DEVICES: "4,6" },
    });
    expect(giveDevices(cards, { ...base, kind: "npu", devices: "runtime" })).toEqual({
      hostConfig: { Runtime: "ascend" },
      env: { ASCEND_VISIBLE_DEVICES: "4,6" },
    });
    expect(giveDevices(cards, { ...base, kind: "npu", devices: "simulated" })).toEqual({
      hostConfig: {},
      env: { ASCEND_VISIBLE_DEVICES: "void", NPU_DISPATCH_SIMULATED_CARDS: "0,1" },
    });
    expect(giveDevices({ numbers: [], slots: [] }, { ...base, kind: "cpu", devices: "engine" })).toEqual({
      hostConfig: {},
      env: {},
    });
  });
});
