// A start on a Docker engine: what the engine is asked for, and what becomes of its refusals.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

let on: OnFake;
beforeEach(async () => {
  on = await openOnFake();
});
afterEach(() => on.close());

function bodyOf(workerId: string): Record<string, unknown> & { HostConfig: Record<string, unknown> } {
  return on.engine.containers.get(workerId)?.body as never;
}

describe("what an engine is asked for", () => {
  test("a locked container with its cards, its labels and its environment", async () => {
    const spec = specOf({ env: { RUNPOD_AI_API_KEY: "token" }, owner: "Ascend", repository: "pytorch" });
    expect(await on.open({ env: { MIRROR: "m" } }).start(spec)).toEqual({ type: "started" });
    const body = bodyOf(spec.workerId);
    expect(body).toMatchObject({
      Image: "worker:1",
      Env: [
        "MIRROR=m",
        "RUNPOD_AI_API_KEY=token",
        "ASCEND_VISIBLE_DEVICES=0,3",
        "WORKER_DIR=/var/lib/npu-dispatch",
      ],
      Labels: {
        "npu-dispatch.deployment": "abc123",
        "npu-dispatch.pool": "npus",
        "npu-dispatch.worker": spec.workerId,
        "npu-dispatch.endpoint": "linux-aarch64-a2-2",
        "npu-dispatch.tenant": "1",
        "npu-dispatch.owner": "Ascend",
        "npu-dispatch.repository": "pytorch",
        "npu-dispatch.cards": "2",
        "npu-dispatch.slots": "0,3",
        "npu-dispatch.devices": "0,3",
        "npu-dispatch.deadline": String(on.clock.now() + 60_000),
      },
      HostConfig: {
        RestartPolicy: { Name: "no" },
        AutoRemove: false,
        Init: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
      },
    });
    const devices = body.HostConfig["Devices"] as { PathOnHost: string }[];
    expect(devices.map(({ PathOnHost }) => PathOnHost)).toEqual([
      "/dev/davinci0",
      "/dev/davinci3",
      "/dev/davinci_manager",
    ]);
    expect(body).not.toHaveProperty("Entrypoint");
  });

  test("limits for each of its cards, mounts, ulimits, network, and a command of its own", async () => {
    const driver = on.open({
      perCard: { cpus: 1.5, memoryBytes: 1_000, shmBytes: 100, pids: 10 },
      mounts: [{ source: "/a", target: "/b", readOnly: true }],
      ulimits: { nofile: 1_024 },
      capabilities: ["KILL"],
      newPrivileges: true,
      network: "host",
      extraHosts: ["dispatch:host-gateway"],
    });
    const spec = specOf({ command: ["python3", "-u", "handler.py"], image: "other:2" });
    on.engine.images.add("other:2");
    await driver.start(spec);
    expect(bodyOf(spec.workerId)).toMatchObject({
      Image: "other:2",
      Entrypoint: ["python3"],
      Cmd: ["-u", "handler.py"],
      HostConfig: {
        NanoCpus: 3e9,
        Memory: 2_000,
        ShmSize: 200,
        PidsLimit: 20,
        CapAdd: ["KILL"],
        SecurityOpt: [],
        NetworkMode: "host",
        ExtraHosts: ["dispatch:host-gateway"],
        Mounts: [{ Type: "bind", Source: "/a", Target: "/b", ReadOnly: true }],
        Ulimits: [{ Name: "nofile", Soft: 1_024, Hard: 1_024 }],
      },
    });
    const without = specOf({ cards: 0, slots: [] });
    await driver.start(without);
    const body = bodyOf(without.workerId);
    expect(body.HostConfig).toMatchObject({ PidsLimit: 10 });
    expect(body.HostConfig).not.toHaveProperty("Devices");
    expect(body["Env"]).toContain("ASCEND_VISIBLE_DEVICES=void");
  });
});

const OWN = { "npu-dispatch.deployment": "abc123", "npu-dispatch.pool": "npus" };

describe("at most one start", () => {
  test("an ended container is never started again", async () => {
    const spec = specOf();
    const driver = on.open();
    await driver.start(spec);
    const container = on.engine.containers.get(spec.workerId);
    if (container !== undefined) container.status = "exited";
    expect(await on.open().start(spec)).toEqual({ type: "started" });
    expect(container?.status).toBe("exited");
    expect(on.engine.count("POST /containers/create")).toBe(2);
  });

  test("what a dispatcher left unstarted is taken up", async () => {
    const spec = specOf();
    on.engine.fault = ({ path }) => (path.endsWith("/start") ? "cut" : undefined);
    expect(await on.open().start(spec)).toMatchObject({ type: "unavailable" });
    expect(await on.open().inspect(spec.workerId)).toMatchObject({
      type: "running",
      waits: expect.any(String),
    });
    on.engine.fault = () => undefined;
    expect(await on.open().start(spec)).toEqual({ type: "started" });
    expect(on.engine.containers.get(spec.workerId)?.status).toBe("running");
  });

  test("a container of the same name that is not ours is left alone", async () => {
    const spec = specOf();
    await on.open({}, { deployment: "zzz999" }).start(spec);
    const driver = on.open();
    expect(await driver.start(spec)).toMatchObject({
      type: "refused",
      message: expect.stringContaining("did not make"),
    });
    expect(await driver.inspect(spec.workerId)).toEqual({ type: "gone" });
  });

  test("a name that is only reserved yet belongs to the start that reserved it", async () => {
    const spec = specOf();
    const message = `Conflict. The container name "/${spec.workerId}" is already in use`;
    let looks = 0;
    on.engine.fault = ({ method, path }) => {
      if (path === "/containers/create" && looks === 0) return { status: 409, body: { message } };
      // The other one's creation becomes visible, and is started.
      if (method !== "GET" || ++looks < 3) return undefined;
      return { status: 200, body: { State: { Status: "running" }, Config: { Labels: OWN } } };
    };
    await on.open().list();
    looks = 0;
    expect(await on.open().start(spec)).toEqual({ type: "started" });
  });

  test("a container on its way out is no start", async () => {
    const spec = specOf();
    await on.open().start(spec);
    const container = on.engine.containers.get(spec.workerId);
    if (container !== undefined) container.status = "removing";
    expect(await on.open().start(spec)).toMatchObject({ type: "unavailable", retryAfterMs: 1_000 });
    expect(await on.open().inspect(spec.workerId)).toMatchObject({ type: "exited" });
  });
});

describe("refusals", () => {
  test.each([
    [
      500,
      'error gathering device information while adding custom device "/dev/davinci0": no such file or directory',
      "refused",
      "deviceFiles",
    ],
    [400, "Unknown runtime specified ascend", "refused", "install the container runtime"],
    [
      500,
      'could not select device driver "nvidia" with capabilities: [[gpu]]',
      "refused",
      "NVIDIA Container Toolkit",
    ],
    [400, 'invalid mount config for type "bind": bind source path does not exist: /a', "refused", "mounts"],
    [400, 'exec: "nope": executable file not found in $PATH: unknown', "refused", "no such program"],
    [500, "exec format error", "refused", "architecture"],
    [403, "authorization denied by plugin", "refused", "does not allow this client"],
    [500, "something new", "refused", "something new"],
    [500, "mkdir /var/lib/docker/x: no space left on device", "unavailable", "no space left"],
    [503, "", "unavailable", "503"],
  ])("%i %s", async (status, words, type, told) => {
    const spec = specOf();
    on.engine.fault = ({ path }) =>
      path.endsWith("/start") ? { status, body: { message: words } } : undefined;
    const outcome = await on.open().start(spec);
    expect(outcome).toMatchObject({ type, message: expect.stringContaining(told) });
    expect(await on.open().stop(spec.workerId, 0)).toBe("gone");
  });

  test("an endpoint without an image, cards that were not named or are not there", async () => {
    const refused = async (spec: ReturnType<typeof specOf>, settings = {}) =>
      expect(await on.open(settings).start(spec)).toMatchObject({ type: "refused" });
    await refused(specOf(), { image: undefined });
    await refused(specOf({ slots: [0] }));
    await refused(specOf({ slots: [0, 8] }));
    expect(on.engine.containers.size).toBe(0);
  });

  test("Podman's words for a taken name", async () => {
    const spec = specOf();
    await on.open().start(spec);
    const body = { message: 'container create: the container name "x" is already in use by 1b55' };
    on.engine.fault = ({ path }) => (path === "/containers/create" ? { status: 500, body } : undefined);
    expect(await on.open().start(spec)).toEqual({ type: "started" });
  });
});
