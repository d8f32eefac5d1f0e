// The built worker image on a real engine: `.ci/image.sh --check` builds it and names it in NPU_DISPATCH_IMAGE.
import { join } from "node:path";
import { expect } from "vitest";
import { createEngine, type Engine } from "../../shared/adapters/pools/docker/engine/engine.ts";
import type { DockerPoolSettings } from "../../shared/adapters/pools/docker/settings.ts";
import { openDockerPool } from "../contract/docker-pool-under-test.ts";
import { newId, POLL } from "../contract/pool-driver-contract.ts";

export const ROOT = join(import.meta.dirname, "..", "..");

export type ImageUnderTest = { readonly image: string; readonly engine: Engine; readonly host: string };

/** Undefined where no image was built. */
export function imageUnderTest(): ImageUnderTest | undefined {
  const { NPU_DISPATCH_IMAGE: image, DOCKER_HOST: host } = process.env;
  if (!image || !host) return undefined;
  return { image, host, engine: createEngine({ url: host, tls: undefined }) };
}

export const MISSING = "there is no built worker image: run .ci/image.sh --check";

export type Ended = { readonly code: number | undefined; readonly lines: readonly string[] };
export type RunOptions = {
  readonly settings?: Partial<DockerPoolSettings>;
  readonly env?: { readonly [name: string]: string };
};

/** The image as the docker pool starts it; `command` undefined: the image's own program. */
export async function runImage(
  { host, image }: ImageUnderTest,
  command: readonly string[] | undefined,
  { settings = {}, env = {} }: RunOptions = {},
): Promise<Ended> {
  const pool = await openDockerPool(host, {
    image,
    pullPolicy: "never",
    // The default of pools.<name>.capabilities of a docker pool.
    capabilities: ["CHOWN", "KILL", "SETGID", "SETUID"],
    perCard: { cpus: undefined, memoryBytes: undefined, shmBytes: undefined, pids: 256 },
    // Podman's own are above what a machine without CAP_SYS_RESOURCE allows.
    ulimits: { nofile: 4096, nproc: 8_192 },
    ...settings,
  });
  try {
    const workerId = newId();
    const started = await pool.driver.start({
      workerId,
      endpoint: "linux-arm64-npu-1",
      tenant: "1",
      cards: 1,
      slots: [0],
      image: undefined,
      command,
      env,
      limitMs: 60_000,
    });
    expect(started).toEqual({ type: "started" });
    await expect.poll(() => pool.driver.inspect(workerId), POLL).toMatchObject({ type: "exited" });
    const seen = await pool.driver.inspect(workerId);
    const lines = await pool.driver.logsTail(workerId, 500);
    return { code: seen.type === "exited" ? seen.code : undefined, lines };
  } finally {
    await pool.close();
  }
}

/** Under `sh` as root, with both streams in one. */
export async function runScript(
  under: ImageUnderTest,
  script: string,
  options: RunOptions = {},
): Promise<Ended> {
  return await runImage(under, ["/bin/bash", "-c", `exec 2>&1\n${script}`], options);
}
