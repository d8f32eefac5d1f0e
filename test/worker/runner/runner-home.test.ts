import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { startWorker } from "../support/start-worker.ts";

describe("the runner's own copy of a shared folder", () => {
  it("shares files by link, and no registration", async () => {
    await using dispatcher = await startDispatcher();
    await using worker = startWorker(dispatcher, { env: { RUNNER_HOME_SHARED: "1" } });
    // Of another worker's earlier use.
    writeFileSync(join(worker.runnerHome, ".runner"), "old");

    expect((await worker.exit).code).toBe(0);

    expect(worker.file("../work/runner/config-args-add")).toContain("--ephemeral");
    expect(worker.file("../work/runner/.runner")).toBe("{}\n");
    expect(worker.file(".runner")).toBe("old");
    expect(worker.file("run-env")).toBeUndefined();
    const inode = (folder: string) => statSync(join(folder, "run.sh")).ino;
    expect(inode(join(worker.workDir, "runner"))).toBe(inode(worker.runnerHome));
  });
});

describe("RUNNER_USER", () => {
  it("runs the runner under another user, with a token and not a JIT config", async ({ skip }) => {
    if (process.getuid?.() !== 0) skip("only root can start programs under another user");
    await using dispatcher = await startDispatcher({ registration: "auto" });
    const env = { RUNNER_USER: "12345:12346", RUNNER_HOME_SHARED: "1" };
    await using worker = startWorker(dispatcher, { env });

    expect((await worker.exit).code).toBe(0);

    expect(dispatcher.registrations).toEqual(["token"]);
    expect(worker.file("../work/runner/run-uid")).toBe("12345\n");
    expect(statSync(join(worker.workDir, "runner", ".runner")).gid).toBe(12346);
  });
});

describe("what actions/runner refuses is said before a registration, whatever the way to it", () => {
  it.each(["token", "jit"] as const)(
    "root without a user for the runner: both remedies, %s",
    async (registration) => {
      await using dispatcher = await startDispatcher({ registration });
      const env: { [name: string]: string } = { RUNNER_ALLOW_RUNASROOT: "" };
      await using worker = startWorker(dispatcher, { env });

      // Nobody else is refused.
      const isRoot = process.getuid?.() === 0;
      expect((await worker.exit).code).toBe(isRoot ? 84 : 0);
      expect(dispatcher.registrations).toHaveLength(isRoot ? 0 : 1);
      if (isRoot)
        expect(dispatcher.dones[0]?.error).toMatch(
          /refuses to run as root.* RUNNER_USER .*RUNNER_ALLOW_RUNASROOT=1/,
        );
    },
  );

  // Seen with actions/runner 2.333.1: to be let through is not enough.
  it("a folder above its own that its user may enter and not list", async ({ skip }) => {
    if (process.getuid?.() !== 0) skip("only root can start programs under another user");
    await using dispatcher = await startDispatcher();
    const env = { RUNNER_USER: "12345:12346", RUNNER_HOME_SHARED: "1" };
    await using worker = startWorker(dispatcher, { env });
    chmodSync(worker.workDir, 0o711);

    expect((await worker.exit).code).toBe(84);
    expect(dispatcher.registrations).toEqual([]);
    expect(dispatcher.dones[0]?.error).toContain(`the user 12345 may not list ${worker.workDir}`);
  });
});
