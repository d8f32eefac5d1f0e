// The builder beside a worker, on the stand-in of an engine: what it is told, and that a crash at any step leaves no half
// of the two.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DockerBuilder, DockerPoolSettings } from "../../../shared/adapters/pools/docker/settings.ts";
import { type OnFake, openOnFake, specOf } from "./pool-on-fake.ts";

const BUILDER: DockerBuilder = {
  image: "kaniko:1",
  folder: "/home/runner/_work",
  endpoints: undefined,
  cpus: 2,
  memoryBytes: 4 * 1024 ** 3,
};

let on: OnFake;
beforeEach(async () => {
  on = await openOnFake();
  on.engine.images.add(BUILDER.image);
});
afterEach(() => on.close());

const open = (settings: Partial<DockerPoolSettings> = {}) => on.open({ builder: BUILDER, ...settings });
const bodyOf = (name: string): { readonly [field: string]: unknown } =>
  on.engine.containers.get(name)?.body ?? {};

test("a worker has the folder as a volume and knows it; its builder has that volume, limits and nothing of the worker's", async () => {
  const spec = specOf({ env: { RUNPOD_AI_API_KEY: "token" } });
  expect(
    await open({ env: { HTTPS_PROXY: "http://proxy", PIP_INDEX_URL: "x" }, network: "ci" }).start(spec),
  ).toEqual({ type: "started" });
  expect(bodyOf(spec.workerId)).toMatchObject({
    Env: expect.arrayContaining(["KANIKO_SIDECAR_DIR=/home/runner/_work"]),
    Volumes: { "/var/lib/npu-dispatch": {}, "/home/runner/_work": {} },
  });
  const builder = bodyOf(`${spec.workerId}.builder`);
  expect(builder).toMatchObject({
    Image: "kaniko:1",
    Entrypoint: ["sh"],
    User: "0:0",
    Env: ["HTTPS_PROXY=http://proxy", "KANIKO_SIDECAR_DIR=/home/runner/_work"],
    HostConfig: {
      CapDrop: ["ALL"],
      CapAdd: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETFCAP", "SETGID", "SETUID"],
      SecurityOpt: ["no-new-privileges"],
      Mounts: [{ Type: "volume", Source: `${spec.workerId}-1`, Target: "/home/runner/_work" }],
      Memory: 4 * 1024 ** 3,
      NanoCpus: 2e9,
      NetworkMode: "ci",
    },
  });
  // Cards are given in these.
  expect(Object.keys(builder["HostConfig"] ?? {})).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^Device/)]),
  );
  expect(JSON.stringify(builder)).not.toContain("token");
});

test("what the operator mounts at the folder is shared instead of a volume", async () => {
  const spec = specOf();
  const mounts = [{ source: "/ssd", target: BUILDER.folder, readOnly: false }];
  await open({ mounts }).start(spec);
  expect(bodyOf(spec.workerId)["Volumes"]).toEqual({ "/var/lib/npu-dispatch": {} });
});

test("its image is pulled where it is missing, and only that", async () => {
  on.engine.images.delete(BUILDER.image);
  expect(await open().start(specOf())).toEqual({ type: "started" });
  const pulls = () => on.engine.requests.filter(({ path }) => path === "/images/create");
  await expect.poll(() => pulls().map(({ query }) => query.get("fromImage"))).toEqual(["kaniko:1"]);
});

test("a builder that has ended is no worker that has ended", async () => {
  const spec = specOf();
  const pool = open();
  await pool.start(spec);
  const builder = on.engine.containers.get(`${spec.workerId}.builder`);
  if (builder) builder.status = "exited";
  expect(await pool.ended()).toEqual([]);
  expect(await pool.list()).toEqual([spec.workerId]);
});

test("the worker's time limit is not its builder's: nobody kills a build that the worker still waits for", async () => {
  const spec = specOf({ limitMs: 1_000 });
  const pool = open();
  await pool.start(spec);
  on.clock.advance(5_000);
  await pool.list();
  expect(on.engine.containers.get(spec.workerId)?.signals).toEqual(["SIGTERM"]);
  expect(on.engine.containers.get(`${spec.workerId}.builder`)?.signals).toEqual([]);
});

describe("a dispatcher that ends", () => {
  test("at any step of a start: the next start makes both, once", async () => {
    await atEachStep("start", async (world, spec) => {
      expect(await world.pool().start(spec)).toEqual({ type: "started" });
      expect(world.left()).toEqual([`${spec.workerId} running`, `${spec.workerId}.builder running`]);
    });
  });

  test("at any step of a start: a stop removes what there is", async () => {
    await atEachStep("start", async (world, spec) => {
      expect(await world.pool().list()).toEqual(world.left().length === 0 ? [] : [spec.workerId]);
      expect(await world.pool().stop(spec.workerId, 1_000)).toBe("gone");
      expect(world.left()).toEqual([]);
    });
  });

  test("at any step of a stop: it is listed until the next stop has removed both", async () => {
    await atEachStep("stop", async (world, spec) => {
      expect(await world.pool().list()).toEqual([spec.workerId]);
      expect(await world.pool().stop(spec.workerId, 1_000)).toBe("gone");
      expect(world.left()).toEqual([]);
    });
  });
});

type World = ReturnType<typeof worldOn>;

function worldOn(own: OnFake) {
  own.engine.images.add(BUILDER.image);
  const containers = () => [...own.engine.containers.values()].map(({ name, status }) => `${name} ${status}`);
  return {
    pool: () => own.open({ builder: BUILDER }),
    left: () => containers().sort((a, b) => a.localeCompare(b)),
    /** From the nth request on nothing comes through, as of a process that is gone. */
    dieAt(nth: number) {
      let seen = 0;
      own.engine.fault = () => {
        seen += 1;
        return seen >= nth ? "cut" : undefined;
      };
    },
    revive() {
      own.engine.fault = () => undefined;
    },
    requests: () => own.engine.requests.length,
  };
}

/** All steps at once, each with an engine of its own: a start that finds a half-made container waits 2 s for its maker. */
async function atEachStep(
  doing: "start" | "stop",
  then: (world: World, spec: ReturnType<typeof specOf>) => Promise<void>,
): Promise<void> {
  const steps = await withWorld(async (world) => {
    const spec = specOf();
    await world.pool().start(spec);
    const before = world.requests();
    if (doing === "stop") await world.pool().stop(spec.workerId, 1_000);
    return doing === "stop" ? world.requests() - before : before;
  });
  expect(steps).toBeGreaterThanOrEqual(6);
  const each = Array.from({ length: steps }, (_, index) =>
    withWorld(async (world) => {
      const spec = specOf();
      if (doing === "stop") await world.pool().start(spec);
      world.dieAt(index + 1);
      await (doing === "stop" ? world.pool().stop(spec.workerId, 1_000) : world.pool().start(spec));
      world.revive();
      await then(world, spec);
    }),
  );
  await Promise.all(each);
}

async function withWorld<T>(use: (world: World) => Promise<T>): Promise<T> {
  const own = await openOnFake();
  try {
    return await use(worldOn(own));
  } finally {
    await own.close();
  }
}
