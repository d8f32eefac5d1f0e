// Registry logins of a job, and the copies of them that a sidecar was given, are gone after the job, whoever cleans up.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import {
  type Image,
  RUNNER,
  stageImage,
  startSupervised,
  WITHOUT_PIDS,
} from "../support/start-supervised.ts";
import { startWorker } from "../support/start-worker.ts";
import { WITHOUT_USERS } from "../support/without-users.ts";

let image: Image;
beforeAll(async () => {
  image = await stageImage();
});
afterAll(() => image[Symbol.dispose]());

let logins = "";
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "npd-logins-"));
  chmodSync(folder, 0o755);
  logins = join(folder, ".docker");
  mkdirSync(logins, { mode: 0o700 });
});
afterEach(() => rmSync(join(logins, ".."), { recursive: true, force: true }));

/** As after a `kaniko` that was killed in the middle of a sidecar's build. */
const RUN = "run-logs-in.sh";

describe("a worker that is its own host", () => {
  it("empties them, and the sidecar's copy", async () => {
    await using dispatcher = await startDispatcher();
    await using worker = startWorker(dispatcher, {
      run: RUN,
      env: { WORKER_CLEANS: "1", KANIKO_DOCKER_DIR: logins },
    });
    expect((await worker.exit).code).toBe(0);
    expect(worker.file("logged-in")).toBe("3\n");
    expect(readdirSync(logins)).toEqual([]);
    expect(existsSync(join(worker.runnerHome, "_work"))).toBe(false);
  });
});

describe("a worker with a supervisor", () => {
  it("empties them, and the sidecar's copy; the next job may log in again", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using dispatcher = await startDispatcher();
    chownSync(logins, RUNNER.uid, RUNNER.gid);
    const env = { KANIKO_DOCKER_DIR: logins };
    // As worker/image/start leaves it.
    const wrapper = ["setpriv", "--bounding-set=-all,+chown,+kill,+setgid,+setuid"];
    await using container = startSupervised(image, dispatcher, { run: RUN, env, wrapper });
    expect(await container.exit, container.output()).toBe(0);
    expect(container.file("logged-in")).toBe("3\n");
    expect(readdirSync(logins)).toEqual([]);
    expect(existsSync(join(container.home, "_work"))).toBe(false);
    const { uid, mode } = statSync(logins);
    expect({ uid, mode: mode & 0o777 }).toEqual({ uid: RUNNER.uid, mode: 0o700 });
  });

  it("empties a work folder that is a volume shared with a sidecar, and leaves it to the runner's user", async ({
    skip,
  }) => {
    if (WITHOUT_PIDS) skip(WITHOUT_PIDS);
    await using dispatcher = await startDispatcher();
    chownSync(logins, RUNNER.uid, RUNNER.gid);
    // The volume is gone with the namespace: what is in it is told before.
    const script = `mkdir "$RUNNER_HOME/_work" && mount -t tmpfs -o mode=755 none "$RUNNER_HOME/_work" || exit 99
      "$@"; code=$?; echo "left: $(stat -c '%u %a' "$RUNNER_HOME/_work") $(ls -A "$RUNNER_HOME/_work")."; exit $code`;
    const wrapper = ["unshare", "--mount", "sh", "-c", script, "sh"];
    const env = { KANIKO_DOCKER_DIR: logins };
    await using container = startSupervised(image, dispatcher, { run: RUN, env, wrapper });
    expect(await container.exit, container.output()).toBe(0);
    expect(container.file("logged-in")).toBe("3\n");
    expect(container.output()).toContain(`left: ${RUNNER.uid} 755 .`);
    expect(readdirSync(logins)).toEqual([]);
  });
});
