// Runs the pool driver contract against a real container engine, Podman's Docker-compatible service or DOCKER_HOST, and
// what only a real one can show.
import { describe, expect, test } from "vitest";
import type { DockerPoolSettings } from "../../shared/adapters/pools/docker/settings.ts";
import type { StartSpec } from "../../shared/ports/pool-driver.ts";
import { type DockerPoolUnderTest, findEngine, openDockerPool } from "./docker-pool-under-test.ts";
import { describePoolDriver, newId, POLL } from "./pool-driver-contract.ts";

const found = await findEngine();

if ("host" in found) {
  describePoolDriver("docker", () => openDockerPool(found.host));
  describeRealEngine(found.host);
} else {
  process.stderr.write(`${found.missing}\n`);
  describe("pool driver contract: docker", () => {
    test("needs a container engine", ({ skip }) => skip(found.missing));
  });
}

function describeRealEngine(host: string): void {
  describe("a real container engine", () => {
    test("a container has its limits and none of the host's rights", async () => {
      await withPool(
        { mounts: [{ source: "/etc/hostname", target: "/given", readOnly: true }] },
        async (pool) => {
          // One stream: Podman 4.3 mixes up parts of lines that a program writes to both.
          const script = `exec 2>&1
          echo "cards $NPU_DISPATCH_SIMULATED_CARDS of $POOL"
          grep ' /given ' /proc/mounts
          grep -E 'CapEff|NoNewPrivs' /proc/self/status
          grep -E 'open files' /proc/self/limits`;
          const lines = await outputOf(pool, script, { slots: [0, 3], cards: 2 });
          expect(lines).toContain("cards 0,3 of docker");
          expect(lines).toContainEqual(expect.stringMatching(/ \/given \S+ ro,/));
          expect(lines).toContain("CapEff:\t0000000000000020");
          expect(lines).toContain("NoNewPrivs:\t1");
          expect(lines).toContainEqual(expect.stringMatching(/^Max open files +256 +256/));
        },
      );
    });

    test("a device file that the host lacks is a refusal that says so, and leaves nothing", async () => {
      await withPool({ devices: "engine", cardIds: [77] }, async ({ driver }) => {
        const spec = specOf(["true"]);
        expect(await driver.start(spec)).toMatchObject({
          type: "refused",
          message: expect.stringMatching(/\/dev\/davinci77.*check the pool's cards/),
        });
        expect(await driver.stop(spec.workerId, 0)).toBe("gone");
        expect(await driver.list()).toEqual([]);
      });
    });

    test("a result that is a link or a folder is none", async () => {
      await withPool({}, async (pool) => {
        for (const trap of ["ln -s /etc/passwd", "mkdir"]) {
          const spec = specOf(["/bin/sh", "-c", `busybox ${trap} $WORKER_DIR/result.json`]);
          await pool.driver.start(spec);
          await expect
            .poll(() => pool.driver.inspect(spec.workerId), POLL)
            .toMatchObject({ type: "exited", code: 0, result: undefined });
        }
      });
    });

    test("a worker over its limit is ended by whoever looks, and stays until its stop", async () => {
      await withPool({}, async (pool) => {
        const spec = { ...specOf(pool.command("stay")), limitMs: 60_000 };
        await pool.driver.start(spec);
        await pool.ready(spec.workerId);
        const later = pool.open({}, { clock: { now: () => Date.now() + 60_000 } });
        await expect.poll(() => later.ended(), POLL).toEqual([spec.workerId]);
        expect(await pool.driver.inspect(spec.workerId)).toMatchObject({ type: "exited", code: 143 });
      });
    });

    test("a container that is killed from outside has ended within 2 s", async () => {
      await withPool({}, async (pool) => {
        const spec = specOf(pool.command("stay"));
        await pool.driver.start(spec);
        await pool.ready(spec.workerId);
        await pool.engine.call({ method: "POST", path: `/containers/${spec.workerId}/kill` });
        await expect.poll(() => pool.driver.ended(), { timeout: 2_000 }).toEqual([spec.workerId]);
        expect(await pool.driver.inspect(spec.workerId)).toMatchObject({ type: "exited", code: 137 });
      });
    });

    test("and is told of at once", async () => {
      await withPool({}, async (pool) => {
        const ended: string[] = [];
        const watched = pool.driver.watch?.((id) => ended.push(id));
        const [mine, theirs] = [specOf(pool.command("stay")), specOf(pool.command("stay"))];
        const stranger = pool.stranger?.();
        await stranger?.start(theirs);
        await pool.driver.start(mine);
        await pool.ready(mine.workerId);
        for (const { workerId } of [theirs, mine])
          await pool.engine.call({ method: "POST", path: `/containers/${workerId}/kill` });
        await expect.poll(() => ended, { timeout: 2_000 }).toEqual([mine.workerId]);
        watched?.stop();
        await stranger?.stop(theirs.workerId, 0);
      });
    });

    test("the volume of a worker goes with it", async () => {
      await withPool({}, async ({ driver, engine }) => {
        const spec = specOf(["true"]);
        await driver.start(spec);
        const path = `/containers/${spec.workerId}/json`;
        const { Mounts } = JSON.parse((await engine.call({ method: "GET", path })).text);
        const volume = { method: "GET", path: `/volumes/${Mounts[0].Name}` } as const;
        expect((await engine.call(volume)).status).toBe(200);
        await driver.stop(spec.workerId, 0);
        expect((await engine.call(volume)).status).toBe(404);
      });
    });
  });

  async function withPool(
    changes: Partial<DockerPoolSettings>,
    use: (pool: DockerPoolUnderTest) => Promise<void>,
  ): Promise<void> {
    // nproc: Podman's own is above what a machine without CAP_SYS_RESOURCE allows.
    const pool = await openDockerPool(host, { ulimits: { nofile: 256, nproc: 8_192 }, ...changes });
    try {
      await use(pool);
    } finally {
      await pool.close();
    }
  }
}

async function outputOf(
  pool: DockerPoolUnderTest,
  script: string,
  changes: Partial<StartSpec>,
): Promise<string[]> {
  const spec = { ...specOf(["/bin/sh", "-c", script]), ...changes };
  expect(await pool.driver.start(spec)).toEqual({ type: "started" });
  await expect.poll(() => pool.driver.inspect(spec.workerId), POLL).toMatchObject({ type: "exited" });
  return await pool.driver.logsTail(spec.workerId, 50);
}

function specOf(command: readonly string[]): StartSpec {
  return {
    workerId: newId(),
    endpoint: "linux-aarch64-a2-1",
    tenant: "1",
    cards: 1,
    slots: [0],
    image: undefined,
    command,
    env: {},
    limitMs: 60_000,
  };
}
