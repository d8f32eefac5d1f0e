import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { startWorker } from "../support/start-worker.ts";
import { WITHOUT_ROOT } from "../support/without-users.ts";

describe("the runner's own copy of a shared folder", () => {
  it("is of what a release and its operator put there, nothing of an earlier use", async () => {
    await using dispatcher = await startDispatcher();
    await using worker = startWorker(dispatcher, { env: { RUNNER_HOME_SHARED: "1" } });
    const put = (name: string) => {
      mkdirSync(dirname(join(worker.runnerHome, name)), { recursive: true });
      writeFileSync(join(worker.runnerHome, name), "old");
    };
    const released = ["run-helper.sh.template", "safe_sleep.sh", ".env", ".setup_info", "my-hook.sh"];
    const used = [
      ".runner",
      ".runner_migrated",
      ".credentials",
      ".credentials_migrated",
      ".service",
      "svc.sh",
    ];
    const updated = ["bin.2.335.0/Runner.Listener", "bin.2.336.0/Runner.Listener", "update.finished"];
    const left = [
      "run-helper.sh",
      "_update/x",
      "_diag/x",
      "_work/x",
      "actions-runner-linux-x64-2.335.0.tar.gz",
    ];
    for (const name of [...released, ...used, ...updated, ...left]) put(name);
    symlinkSync(join(worker.runnerHome, "bin.2.336.0"), join(worker.runnerHome, "bin"));
    symlinkSync("/nowhere", join(worker.runnerHome, "gone"));

    expect((await worker.exit).code).toBe(0);

    expect(worker.file("../work/runner/config-args-add")).toContain("--ephemeral");
    expect(worker.file("../work/runner/.runner")).toBe("{}\n");
    expect(worker.file(".runner")).toBe("old");
    expect(worker.file("run-env")).toBeUndefined();
    const copy = join(worker.workDir, "runner");
    const [names, own] = [new Set(readdirSync(copy)), new Set([".runner", "_diag", "_work"])];
    expect(released.filter((name) => !names.has(name))).toEqual([]);
    expect([...used, ...updated, ...left].filter((name) => names.has(name) && !own.has(name))).toEqual([]);
    expect(lstatSync(join(copy, "bin")).isDirectory()).toBe(true);
    expect(worker.file("../work/runner/bin/Runner.Listener")).toBe("old");
  });

  it.each(["run.sh", "env.sh", "bin/Runner.Worker"])(
    "a job that writes into %s changes it for itself alone",
    async (name) => {
      await using dispatcher = await startDispatcher();
      await using worker = startWorker(dispatcher, { env: { RUNNER_HOME_SHARED: "1" } });
      const shared = join(worker.runnerHome, name);
      mkdirSync(dirname(shared), { recursive: true });
      if (name !== "run.sh") writeFileSync(shared, "of the release");
      const before = worker.file(name);

      expect((await worker.exit).code).toBe(0);
      appendFileSync(join(worker.workDir, "runner", name), "# of a job");

      expect(worker.file(name)).toBe(before);
    },
  );

  /** A job writes through its copy into what is linked; the next worker's is as the release again. */
  it("links what is large to a copy of its own, which a job may spoil for nobody after it", async () => {
    const shared = mkdtempSync(join(tmpdir(), "npd-kept-"));
    const [home, keptDir] = [join(shared, "externals-of"), join(shared, "kept")];
    const env = { RUNNER_HOME_SHARED: "1", WORKER_KEPT_DIR: keptDir };
    const node = "externals/node20/bin/node";
    const inode = (path: string) => statSync(path).ino;
    try {
      const played = async (change?: (copy: string) => void) => {
        await using dispatcher = await startDispatcher();
        await using worker = startWorker(dispatcher, { env });
        // One home for all of them: the worker's own links to it.
        mkdirSync(join(home, dirname(node)), { recursive: true });
        if (!existsSync(join(home, node))) writeFileSync(join(home, node), "of the release");
        symlinkSync(join(home, "externals"), join(worker.runnerHome, "externals"));
        expect((await worker.exit).code).toBe(0);
        const copy = join(worker.workDir, "runner", node);
        const seen = {
          text: readFileSync(copy, "utf8"),
          ino: inode(copy),
          mode: statSync(copy).mode & 0o777,
        };
        change?.(copy);
        return seen;
      };
      const release = { text: "of the release" };
      const first = await played((copy) => appendFileSync(copy, "# of a job"));
      expect(first.text).toBe(release.text);
      const second = await played((copy) => chmodSync(copy, 0o777));
      expect(second.text).toBe(release.text);
      const third = await played();
      const fourth = await played();
      expect([third.text, third.mode]).toEqual([release.text, first.mode]);
      expect(readFileSync(join(home, node), "utf8")).toBe(release.text);
      expect([first, second, third, fourth].map(({ ino }) => ino)).not.toContain(inode(join(home, node)));
      // Where the file system clones there is nothing to keep.
      if (existsSync(keptDir))
        expect(new Set([third.ino, fourth.ino, inode(join(keptDir, node))]).size).toBe(1);
      appendFileSync(join(home, node), ", updated");
      expect((await played()).text).toBe("of the release, updated");
    } finally {
      rmSync(shared, { recursive: true });
    }
  });

  it("is made of links where the runner's user may change none of its files, and a copy where one", async ({
    skip,
  }) => {
    if (WITHOUT_ROOT) skip(WITHOUT_ROOT);
    for (const [name, mode, isLink] of [
      ["closed", 0o644, true],
      ["open", 0o666, false],
    ] as const) {
      await using dispatcher = await startDispatcher();
      const env = { RUNNER_USER: "12345:12346", RUNNER_HOME_SHARED: "1" };
      await using worker = startWorker(dispatcher, { env });
      writeFileSync(join(worker.runnerHome, name), "");
      chmodSync(join(worker.runnerHome, name), mode);
      writeFileSync(join(worker.runnerHome, ".env"), "LANG=C.UTF-8\n");

      expect((await worker.exit).code).toBe(0);

      const inode = (folder: string, file: string) => statSync(join(folder, file)).ino;
      const copy = join(worker.workDir, "runner");
      expect(inode(copy, "run.sh") === inode(worker.runnerHome, "run.sh")).toBe(isLink);
      // config.sh writes it in place.
      expect(inode(copy, ".env")).not.toBe(inode(worker.runnerHome, ".env"));
    }
  });
});

describe("RUNNER_USER", () => {
  it("runs the runner under another user, with a token and not a JIT config", async ({ skip }) => {
    if (WITHOUT_ROOT) skip(WITHOUT_ROOT);
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
    if (WITHOUT_ROOT) skip(WITHOUT_ROOT);
    await using dispatcher = await startDispatcher();
    const env = { RUNNER_USER: "12345:12346", RUNNER_HOME_SHARED: "1" };
    await using worker = startWorker(dispatcher, { env });
    chmodSync(worker.workDir, 0o711);

    expect((await worker.exit).code).toBe(84);
    expect(dispatcher.registrations).toEqual([]);
    expect(dispatcher.dones[0]?.error).toContain(`the user 12345 may not list ${worker.workDir}`);
  });
});
