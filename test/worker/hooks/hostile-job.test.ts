// A hostile job against a worker with two users; and, so that no attempt is a blunt one, against setups that are weakened.
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgramRunner } from "../../../worker/process/run-program.ts";
import { asUser } from "../../../worker/runner/runner-user.ts";
import { REGISTRATION_TOKEN, startDispatcher, TOKEN } from "../support/dispatcher-stub.ts";
import {
  type Image,
  OWN_PIDS,
  RUNNER,
  stageImage,
  startSupervised,
  WITHOUT_PIDS,
} from "../support/start-supervised.ts";

const CLOUD_KEY = "cloud-key-of-the-operator";
const HOSTILE = resolve(import.meta.dirname, "../../fixtures/programs/hostile-job.mjs");
/** They need more than one user: shown below, each for itself. */
const OTHER_CONTROL = ["root by sudo"];

let image: Image;
let setUid = "";
beforeAll(async () => {
  image = await stageImage();
  // `id` as a set-uid program of root.
  setUid = join(image.folder, "set-uid-id");
  copyFileSync("/usr/bin/id", setUid);
  chmodSync(setUid, 0o4755);
});
afterAll(() => image[Symbol.dispose]());

describe("a hostile job", () => {
  it("gets nothing of its worker's", { timeout: 60_000 }, async ({ skip }) => {
    if (WITHOUT_PIDS) skip(WITHOUT_PIDS);
    const got = await attack({});
    expect(Object.keys(got).length).toBeGreaterThan(15);
    expect(successes(got)).toEqual([]);
  });

  it("gets all of it where worker and job are one root user", { timeout: 60_000 }, async ({ skip }) => {
    if (WITHOUT_PIDS) skip(WITHOUT_PIDS);
    const got = await attack({ RUNNER_ALLOW_RUNASROOT: "1", WORKER_PASS_ENV: "CLOUD_KEY" });
    expect(failures(got).filter((name) => !OTHER_CONTROL.includes(name))).toEqual([]);
  });

  it("becomes root by a set-uid program only where that may give privileges", async ({ skip }) => {
    if (WITHOUT_PIDS) skip(WITHOUT_PIDS);
    const run = createProgramRunner({ PATH: process.env["PATH"] });
    const { program, args } = asUser({ program: setUid, args: ["-u"] }, RUNNER);
    expect(await run(program, args, 5_000)).toMatchObject({ output: `${RUNNER.uid}\n` });
    const weak = args.filter((argument) => argument !== "--no-new-privs");
    expect(await run(program, weak, 5_000)).toMatchObject({ output: "0\n" });
  });
});

async function attack(env: Record<string, string>): Promise<Record<string, boolean>> {
  const socket = join(image.folder, `engine-${Object.keys(env).length}.sock`);
  const engine = createServer((connection) => connection.destroy());
  await new Promise<void>((done) => engine.listen(socket, done));
  // As dockerd makes its own.
  chmodSync(socket, 0o660);
  try {
    await using dispatcher = await startDispatcher({ registration: "auto" });
    await using container = startSupervised(image, dispatcher, {
      run: "run-hostile.sh",
      env: { CLOUD_KEY, ...env },
      wrapper: OWN_PIDS,
      prepare({ home, workDir }) {
        copyFileSync(HOSTILE, join(home, "hostile-job.mjs"));
        const dist = join(image.folder, "dist");
        const target = {
          secrets: [TOKEN, REGISTRATION_TOKEN, CLOUD_KEY],
          workDir,
          worker: join(dist, "worker/worker.mjs"),
          supervisor: join(dist, "supervisor/supervisor.mjs"),
          setUid,
          socket,
        };
        writeFileSync(join(home, "target.json"), JSON.stringify(target));
      },
    });
    expect(await container.exit, container.output()).toBe(0);
    return JSON.parse(container.file("got.json") ?? "{}") as Record<string, boolean>;
  } finally {
    await new Promise((done) => engine.close(done));
  }
}

function successes(got: Record<string, boolean>): string[] {
  return Object.keys(got).filter((name) => got[name] === true);
}

function failures(got: Record<string, boolean>): string[] {
  return Object.keys(got).filter((name) => got[name] !== true);
}
