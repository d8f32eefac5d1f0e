// The builder beside a worker on a real engine: it builds what is asked, has none of the worker's secrets, and goes with
// it.
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { createEngine } from "../../shared/adapters/pools/docker/engine/engine.ts";
import type { DockerPoolSettings } from "../../shared/adapters/pools/docker/settings.ts";
import type { WorkerId } from "../../shared/domain/ids.ts";
import { BUILDER_IMAGE, makeBuilderImage } from "./builder-image.ts";
import {
  type DockerPoolUnderTest,
  findEngine,
  openDockerPool,
  TEST_IMAGE,
} from "./docker-pool-under-test.ts";
import { newId, POLL } from "./pool-driver-contract.ts";

const found = await findEngine();
if ("host" in found) describeBuilder(found.host);
else {
  process.stderr.write(`${found.missing}\n`);
  describe("a builder on a container engine", () => {
    test("needs a container engine", ({ skip }) => skip(found.missing));
  });
}

/** The worker's end of the protocol of worker/kaniko/run-sidecar.ts, without Node. */
const KANIKO = `folder=$KANIKO_SIDECAR_DIR; request=$folder/.kaniko/1
  busybox mkdir -p $request/docker
  echo "$DOCKERFILE" > $folder/Dockerfile
  printf -- '--dockerfile=%s\\n--tar-path=%s\\n' $folder/Dockerfile $folder/image.tar > $request/arguments
  echo '{"auths":{}}' > $request/docker/config.json
  busybox cp /sidecar.sh $folder/.kaniko/new; busybox mv $folder/.kaniko/new $folder/.kaniko/sidecar.sh
  echo > $request/request
  until [ -e $request/exit ]; do sleep 0.1; done
  echo "exit $(cat $request/exit)"; cat $request/log; cat $folder/image.tar; exit 0`;

const SCRIPT = join(import.meta.dirname, "..", "..", "worker/image/kaniko/sidecar.sh");

function describeBuilder(host: string): void {
  describe("a builder on a container engine", () => {
    beforeAll(() => makeBuilderImage(createEngine({ url: host, tls: undefined }), TEST_IMAGE));

    test("builds in the worker's work folder, as root with few rights, without its token", async () => {
      await withPool({}, async (pool) => {
        const spec = specOf(["/bin/sh", "-c", KANIKO], {
          TOKEN: "secret-of-the-worker",
          DOCKERFILE: "FROM a",
        });
        expect(await pool.driver.start(spec)).toEqual({ type: "started" });
        await expect
          .poll(() => pool.driver.inspect(spec.workerId), POLL)
          .toMatchObject({ type: "exited", code: 0 });
        const lines = await pool.driver.logsTail(spec.workerId, 50);
        expect(lines).toEqual([
          "exit 0",
          "argument --dockerfile=/home/runner/_work/Dockerfile",
          "argument --tar-path=/home/runner/_work/image.tar",
          'logins {"auths":{}}',
          expect.stringMatching(/^Uid:\s+0\s+0/),
          // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, SETFCAP 31
          "CapEff:\t00000000800000fb",
          "NoNewPrivs:\t1",
          expect.stringMatching(/^variables (?!.*TOKEN).*DOCKER_CONFIG.*KANIKO_SIDECAR_DIR.*https_proxy/),
          "image",
        ]);
        expect(await pool.driver.ended()).toEqual([spec.workerId]);
        expect(await pool.driver.stop(spec.workerId, 0)).toBe("gone");
        await expectNothingLeft(pool);
      });
    });

    test("is ended with its build when the worker is stopped", async () => {
      await withPool({}, async (pool) => {
        const spec = specOf(["/bin/sh", "-c", `trap 'exit 0' TERM; (${KANIKO}) & wait`], {
          DOCKERFILE: "RUN sleep 600",
        });
        await pool.driver.start(spec);
        await expect.poll(() => builderLog(pool, spec.workerId), POLL).toContain("waiting for builds");
        expect(await pool.driver.stop(spec.workerId, 5_000)).toBe("gone");
        await expectNothingLeft(pool);
      });
    });

    test("of a worker whose container somebody removed is listed as that worker, and stopped with it", async () => {
      await withPool({}, async (pool) => {
        const spec = specOf(pool.command("stay"));
        await pool.driver.start(spec);
        await pool.engine.call({
          method: "DELETE",
          path: `/containers/${spec.workerId}`,
          query: { force: "1" },
        });
        expect(await pool.driver.inspect(spec.workerId)).toEqual({ type: "gone" });
        expect(await pool.driver.list()).toEqual([spec.workerId]);
        expect(await pool.stranger?.().stop(spec.workerId, 0)).toBe("gone");
        expect(await pool.driver.list()).toEqual([spec.workerId]);
        expect(await pool.driver.stop(spec.workerId, 0)).toBe("gone");
        await expectNothingLeft(pool);
      });
    });

    test("is not there for another endpoint", async () => {
      await withPool({ builder: builderOf({ endpoints: ["linux-aarch64-a3-{npus}"] }) }, async (pool) => {
        const spec = specOf(["/bin/sh", "-c", 'echo "folder $KANIKO_SIDECAR_DIR."']);
        await pool.driver.start(spec);
        await expect.poll(() => pool.driver.logsTail(spec.workerId, 5), POLL).toEqual(["folder ."]);
        expect(await builderLog(pool, spec.workerId)).toBe("none");
      });
    });

    test("that cannot be had is a refusal that names its image", async () => {
      const builder = builderOf({ image: "localhost/nothing:1" });
      await withPool({ builder, pullPolicy: "never" }, async (pool) => {
        const spec = specOf(["true"]);
        expect(await pool.driver.start(spec)).toMatchObject({
          type: "refused",
          message: expect.stringContaining("localhost/nothing:1"),
        });
        expect(await pool.driver.list()).toEqual([]);
      });
    });
  });

  async function withPool(
    changes: Partial<DockerPoolSettings>,
    use: (pool: DockerPoolUnderTest) => Promise<void>,
  ): Promise<void> {
    const pool = await openDockerPool(host, {
      builder: builderOf({}),
      mounts: [{ source: SCRIPT, target: "/sidecar.sh", readOnly: true }],
      // nproc: Podman's own is above what a machine without CAP_SYS_RESOURCE allows.
      ulimits: { nofile: 256, nproc: 8_192 },
      env: { https_proxy: "http://proxy:3128", PIP_INDEX_URL: "http://mirror" },
      ...changes,
    });
    try {
      await use(pool);
    } finally {
      await pool.close();
    }
  }
}

function builderOf(changes: Partial<NonNullable<DockerPoolSettings["builder"]>>) {
  return {
    image: BUILDER_IMAGE,
    folder: "/home/runner/_work",
    endpoints: undefined,
    cpus: undefined,
    memoryBytes: 64 * 1024 * 1024,
    ...changes,
  };
}

function specOf(command: readonly string[], env: { readonly [name: string]: string } = {}) {
  return {
    workerId: newId(),
    endpoint: "linux-aarch64-a2-1",
    tenant: "1",
    cards: 1,
    slots: [0],
    image: undefined,
    command,
    env,
    limitMs: 60_000,
  };
}

/** "none" where there is no builder. */
async function builderLog({ engine }: DockerPoolUnderTest, workerId: WorkerId): Promise<string> {
  const path = `/containers/${workerId}.builder/logs`;
  const { status, text } = await engine.call({
    method: "GET",
    path,
    query: { stdout: "1", stderr: "1", tail: "10" },
  });
  return status === 200 ? text : "none";
}

async function expectNothingLeft({ engine, deployment }: DockerPoolUnderTest): Promise<void> {
  const filters = JSON.stringify({ label: [`npu-dispatch.deployment=${deployment}`] });
  const listed = await engine.call({
    method: "GET",
    path: "/containers/json",
    query: { all: "1", filters },
  });
  expect(JSON.parse(listed.text)).toEqual([]);
}
