import { spawn } from "node:child_process";
import { chownSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { processesOf } from "../../../worker/supervisor/kill-user.ts";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Image,
  OWN_PIDS,
  RUNNER,
  stageImage,
  startSupervised,
  WITHOUT_PIDS,
} from "../support/start-supervised.ts";
import { WITHOUT_USERS } from "../support/without-users.ts";

let image: Image;
beforeAll(async () => {
  image = await stageImage();
});
afterAll(() => image[Symbol.dispose]());

const stay = ({ home }: { home: string }) => writeFileSync(join(home, "stay"), "");

describe("a worker with a supervisor", () => {
  it("runs its job under a user of its own, by a token, and leaves nothing of it", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher({ registration: "auto" });
    await using container = startSupervised(image, dispatcher, { run: "run-escapes.sh" });

    expect(await container.exit, container.output()).toBe(0);

    expect(container.left()).toEqual([]);
    expect(dispatcher.registrations).toEqual(["token"]);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "ran", result: "Succeeded" });
    expect(container.output()).toContain('"event":"stragglers-killed"');
    expect(existsSync(join(container.home, "_work"))).toBe(false);
    // Where the job's link led.
    expect(container.file("run.sh")).toBeDefined();
  });

  it("checks its cards as the runner's user, whose groups may open them", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher({ cards: 1 });
    const probe = ["sh", "-c", "echo checked by $(id -u); exit 1"];
    const env = { NPU_DISPATCH_SIMULATED_CARDS: "0", PREFLIGHT_COMMAND: JSON.stringify(probe) };
    await using container = startSupervised(image, dispatcher, { run: "run-one-job.sh", env });

    expect(await container.exit, container.output()).toBe(96);
    const message = expect.stringContaining(`checked by ${RUNNER.uid}`);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "preflight-failed", message });
  });

  it("keeps its hooks where a job cannot exchange them, and brings them into the runner's .env", async ({
    skip,
  }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    const prepare = ({ home }: { home: string }) => {
      writeFileSync(join(home, ".env"), "ACTIONS_RUNNER_HOOK_JOB_STARTED=/opt/own.sh\n");
      chownSync(join(home, ".env"), RUNNER.uid, RUNNER.gid);
    };
    await using container = startSupervised(image, dispatcher, { run: "run-one-job.sh", prepare });

    expect(await container.exit, container.output()).toBe(0);

    const hook = `ACTIONS_RUNNER_HOOK_JOB_STARTED=${join(container.workDir, "hooks", "started.js")}\n`;
    expect(container.file("run-env")).toContain(hook);
    expect(container.file(".env")).toContain(`/opt/own.sh\n\n${hook}`);
  });

  it("hears its hooks, which another user runs", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    await using container = startSupervised(image, dispatcher, { run: "run-hooks.sh" });

    expect(await container.exit, container.output()).toBe(0);

    expect(dispatcher.dones[0]?.output).toMatchObject({ ran: { repository: "acme/kernels", runId: 7_001 } });
  });

  it("refuses a runner that is shared with other workers", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    const env = { RUNNER_HOME_SHARED: "1" };
    await using container = startSupervised(image, dispatcher, { run: "run-one-job.sh", env });

    expect(await container.exit).toBe(84);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "no-runner" });
  });

  it("ends by TERM with all that its job started", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    await using container = startSupervised(image, dispatcher, { run: "run-works.sh" });
    await eventually("a job", () => container.output().includes("Running job: long job"));
    expect(container.left().length).toBeGreaterThan(0);

    container.child.kill("SIGTERM");

    expect(await container.exit).toBe(143);
    expect(container.left()).toEqual([]);
    expect(dispatcher.dones[0]?.output).toMatchObject({ outcome: "cancelled", result: "Canceled" });
  });

  it("ends by a second TERM though its job is deaf and has fled", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    await using container = startSupervised(image, dispatcher, { run: "run-escapes.sh", prepare: stay });
    await eventually("a deaf job that has fled", () => container.file("deaf") !== undefined);

    container.child.kill("SIGTERM");
    // Not coalesced with the first one.
    await new Promise((resolve) => setTimeout(resolve, 200));
    container.child.kill("SIGTERM");

    expect(await container.exit).toBe(143);
    expect(container.left()).toEqual([]);
  });

  it("whose worker is killed leaves no process of the job for 2 s", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    await using container = startSupervised(image, dispatcher, { run: "run-escapes.sh", prepare: stay });
    await eventually("a deaf job that has fled", () => container.file("deaf") !== undefined);

    process.kill(container.workerPid() ?? Number.NaN, "SIGKILL");

    await eventually("no process of the job", () => container.left().length === 0, 2_000);
    expect(await container.exit).toBe(1);
    expect(existsSync(join(container.home, "_work"))).toBe(false);
  });

  it("is killed itself, as a container's first process: nor then", async ({ skip }) => {
    if (WITHOUT_USERS ?? WITHOUT_PIDS) skip(WITHOUT_USERS ?? WITHOUT_PIDS);
    await using dispatcher = await startDispatcher();
    const options = { run: "run-escapes.sh", prepare: stay, wrapper: OWN_PIDS };
    await using container = startSupervised(image, dispatcher, options);
    await eventually("a deaf job that has fled", () => container.file("deaf") !== undefined);
    expect(container.left().length).toBeGreaterThan(3);

    container.child.kill("SIGKILL");

    await eventually("no process of the job", () => container.left().length === 0, 2_000);
  });

  it("is told from one that was started without root, which has one user and JIT config", async ({
    skip,
  }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher({ registration: "auto" });
    const options = { run: "run-one-job.sh", uid: 61_003, env: { RUNNER_USER: "runner" } };
    await using container = startSupervised(image, dispatcher, options);

    expect(await container.exit, container.output()).toBe(0);

    expect(dispatcher.registrations).toEqual(["jit"]);
    expect(container.file("run-uid")).toBe("61003\n");
    expect(container.output()).toContain('"event":"one-user"');
  });

  it("without root cleans up as far as one user can", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher({ registration: "auto" });
    const prepare = ({ home }: { home: string }) => writeFileSync(join(home, "keep"), "");
    await using container = startSupervised(image, dispatcher, {
      run: "run-escapes.sh",
      uid: 61_004,
      prepare,
    });

    expect(await container.exit, container.output()).toBe(0);

    const fled = container.file("fled")?.trim().split("\n") ?? [];
    expect(fled).toHaveLength(2);
    expect(processesOf(61_004)).toEqual([]);
    expect(existsSync(join(container.home, "_work"))).toBe(false);
  });

  it("runs all as root only by an explicit word, and warns", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher({ registration: "auto" });
    const options = { run: "run-one-job.sh", env: { RUNNER_ALLOW_RUNASROOT: "1" } };
    await using container = startSupervised(image, dispatcher, options);

    expect(await container.exit, container.output()).toBe(0);

    expect(dispatcher.registrations).toEqual(["jit"]);
    expect(container.file("run-uid")).toBe("0\n");
    expect(container.output()).toMatch(/"level":"warn","event":"one-user"/);
  });

  it("does not start without the capabilities that it needs", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    const wrapper = ["setpriv", "--bounding-set=-setuid,-kill"];
    await using container = startSupervised(image, dispatcher, { run: "run-one-job.sh", wrapper });

    expect(await container.exit).toBe(2);
    expect(container.output()).toContain("root without the capabilities KILL, SETUID");
  });

  it("does not start where the runner's user has processes that are not its own", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    const stranger = spawn("sleep", ["60"], { uid: RUNNER.uid, gid: RUNNER.gid });
    try {
      await using dispatcher = await startDispatcher();
      await using container = startSupervised(image, dispatcher, { run: "run-one-job.sh" });

      expect(await container.exit).toBe(2);
      expect(container.output()).toContain(`User ${RUNNER.uid} runs 1 processes already`);
      expect(container.left()).toEqual([stranger.pid]);
      expect(dispatcher.takes).toBe(0);
    } finally {
      stranger.kill("SIGKILL");
    }
  });

  it("needs no more than four capabilities", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    const wrapper = ["setpriv", "--bounding-set=-all,+chown,+kill,+setgid,+setuid"];
    await using container = startSupervised(image, dispatcher, { run: "run-escapes.sh", wrapper });

    expect(await container.exit, container.output()).toBe(0);

    expect(container.left()).toEqual([]);
    expect(existsSync(join(container.home, "_work"))).toBe(false);
  });
});
