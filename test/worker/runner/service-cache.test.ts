// Where the runner keeps what it knows of GitHub's services: without a place for it, each connection waits.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { startWorker } from "../support/start-worker.ts";
import { WITHOUT_ROOT } from "../support/without-users.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "npd-home-"));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

it.each(["token", "jit"] as const)(
  "is ~/.config of whoever runs the runner, made before %s",
  async (registration) => {
    await using dispatcher = await startDispatcher({ registration });
    await using worker = startWorker(dispatcher, { env: { HOME: home } });

    expect((await worker.exit).code).toBe(0);

    expect(statSync(join(home, ".config")).mode & 0o777).toBe(0o700);
    expect(worker.file("run-env")).toContain(`HOME=${home}\n`);
    expect(worker.file("run-env")).not.toMatch(/^localappdata=/m);
  },
);

it.each([
  ["is not there", () => rmSync(home, { recursive: true })],
  ["has a file of that name", () => writeFileSync(join(home, ".config"), "")],
])("is the runner's own folder where the home %s", async (_, arrange) => {
  arrange();
  await using dispatcher = await startDispatcher({ registration: "token" });
  await using worker = startWorker(dispatcher, { env: { HOME: home } });

  expect((await worker.exit).code).toBe(0);

  for (const file of ["config-env-add", "run-env"])
    expect(worker.file(file)).toMatch(new RegExp(`^localappdata=${worker.runnerHome}$`, "m"));
});

it("is no folder of root's for another user", async ({ skip }) => {
  if (WITHOUT_ROOT) skip(WITHOUT_ROOT);
  mkdirSync(join(home, ".config"));
  chmodSync(home, 0o755);
  await using dispatcher = await startDispatcher();
  const env = { RUNNER_USER: "12345:12346", RUNNER_HOME_SHARED: "1", HOME: home };
  await using worker = startWorker(dispatcher, { env });

  expect((await worker.exit).code).toBe(0);

  expect(worker.file("../work/runner/run-env")).toMatch(/^localappdata=.*\/work\/runner$/m);
  expect(existsSync(join(home, ".config"))).toBe(true);
});
