// Credentials of registries: found where a job puts them, gone after it.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dockerConfig } from "../../../worker/kaniko/docker-config.ts";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { startWorker } from "../support/start-worker.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "npd-logins-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function loginsIn(name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "config.json"), "{}");
  return path;
}

test("the job's DOCKER_CONFIG, else the seed's folder, else the home's; undefined where there is none", async () => {
  const env = { HOME: folder, KANIKO_DOCKER_DIR: join(folder, "seed") };
  expect(await dockerConfig(env)).toBeUndefined();
  const home = loginsIn(".docker");
  expect(await dockerConfig(env)).toBe(home);
  const seed = loginsIn("seed");
  expect(await dockerConfig(env)).toBe(seed);
  expect(await dockerConfig({ ...env, DOCKER_CONFIG: "/own" })).toBe("/own");
});

test("a worker that cleans up empties the seed's folder after the job, and leaves the folder", async () => {
  const seed = loginsIn("seed");
  loginsIn("seed/deeper");
  await using dispatcher = await startDispatcher();
  await using worker = startWorker(dispatcher, { env: { WORKER_CLEANS: "1", KANIKO_DOCKER_DIR: seed } });
  expect((await worker.exit).code).toBe(0);
  expect(existsSync(seed)).toBe(true);
  expect(readdirSync(seed)).toEqual([]);
});
