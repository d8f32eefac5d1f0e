import { statSync, writeFileSync } from "node:fs";
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
