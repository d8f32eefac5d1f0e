// What a docker pool may say in dispatch.yaml, and what the driver gets.
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { createDockerPool } from "../../shared/adapters/pools/docker/docker-pool.ts";
import type { DockerPoolSettings } from "../../shared/adapters/pools/docker/settings.ts";
import { dockerFields, resolveDockerPool } from "../../shared/config/pools/docker-pool.ts";
import { createCollectingLog } from "../fakes/collecting-log.ts";

const schema = z.strictObject(dockerFields);
const common = { kind: "npu", cards: 8, env: {} } as const;

function settingsOf(
  written: unknown,
  changes: Partial<Parameters<typeof resolveDockerPool>[1]> = {},
): DockerPoolSettings {
  return resolveDockerPool("npu-server", { ...schema.parse(written), ...common, ...changes });
}

test("one line is enough for an NPU server: the driver's files and devices come by themselves", () => {
  const settings = settingsOf({ driver: "docker" });
  expect(settings).toMatchObject({
    name: "npu-server",
    host: { url: "unix:///var/run/docker.sock", tls: undefined },
    devices: "engine",
    runtime: "ascend",
    deviceFiles: ["/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc"],
    pullPolicy: "missing",
    newPrivileges: false,
    capabilities: ["CHOWN", "KILL", "SETGID", "SETUID"],
    perCard: { cpus: undefined, memoryBytes: undefined, shmBytes: undefined, pids: 16_384 },
  });
  expect(settings.mounts).toContainEqual({
    source: "/usr/local/Ascend/driver/lib64",
    target: "/usr/local/Ascend/driver/lib64",
    readOnly: true,
  });
  const parts = { deployment: "abc123", secrets: { env: {}, readFile: () => "" }, clock: { now: () => 0 } };
  expect(createDockerPool(settings, { ...parts, log: createCollectingLog() }).capabilities.namedCards).toBe(
    true,
  );
});

test("what is written is kept, in bytes and with the same path where only one is written", () => {
  const registry = { host: "hub.example.org", username: "ci", passwordFile: "/run/secrets/hub" };
  const settings = settingsOf({
    driver: "docker",
    host: "tcp://npu-1:2376",
    tls: { ca: "/a", cert: "/b", key: "/c" },
    mounts: [{ source: "/data" }, { source: "/cache", target: "/root/.cache", readOnly: false }],
    registries: [registry],
    perCard: { cpus: 24, memory: "96GiB", shm: "0.5GiB" },
    cardIds: [4, 5],
    ulimits: { nofile: 65_536 },
  });
  expect(settings).toMatchObject({
    host: { url: "tcp://npu-1:2376", tls: { ca: "/a", cert: "/b", key: "/c" } },
    mounts: [
      { source: "/data", target: "/data", readOnly: true },
      { source: "/cache", target: "/root/.cache", readOnly: false },
    ],
    registries: [registry],
    perCard: { cpus: 24, memoryBytes: 96 * 1024 ** 3, shmBytes: 512 * 1024 ** 2, pids: 16_384 },
    cardIds: [4, 5],
    ulimits: { nofile: 65_536 },
  });
});

test("only NPUs that the engine gives need the driver's files", () => {
  const bare = { deviceFiles: [], mounts: [] };
  expect(settingsOf({ driver: "docker" }, { kind: "gpu" })).toMatchObject({ ...bare, runtime: "nvidia" });
  expect(settingsOf({ driver: "docker" }, { kind: "cpu" })).toMatchObject(bare);
  expect(settingsOf({ driver: "docker", devices: "runtime" })).toMatchObject(bare);
  expect(settingsOf({ driver: "docker", devices: "simulated" })).toMatchObject(bare);
});

describe("faults", () => {
  test.each([
    [{ host: "npu-1:2375" }],
    [{ host: "ssh://npu-1" }],
    [{ cardIds: [] }],
    [{ devices: "cdi" }],
    [{ mounts: [{ source: "data" }] }],
    [{ perCard: { memory: "96" } }],
    [{ registries: [{ host: "a", username: "b" }] }],
    [{ registries: [{ host: "a", username: "b", passwordEnv: "C", passwordFile: "/d" }] }],
    [{ capabilities: ["cap_kill"] }],
    [{ privileged: true }],
  ])("%o", (written) => {
    expect(schema.safeParse({ driver: "docker", ...written }).success).toBe(false);
  });
});
