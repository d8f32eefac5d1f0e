// Processes killed for lack of memory: counted in the container's control group, named in the report.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { memoryKillsSince, readKillCount } from "../../../worker/life/memory-kills.ts";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { startWorker } from "../support/start-worker.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "npd-cgroup-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function count(version: 1 | 2, kills: number, limit: string) {
  if (version === 1) mkdirSync(join(folder, "memory"), { recursive: true });
  const [counts, most] =
    version === 1
      ? ["memory/memory.oom_control", "memory/memory.limit_in_bytes"]
      : ["memory.events", "memory.max"];
  writeFileSync(join(folder, counts), `low 0\nhigh 0\nmax 7\noom 2\noom_kill ${kills}\noom_group_kill 0\n`);
  writeFileSync(join(folder, most), `${limit}\n`);
}

it.each([
  [2, "419430400", 419_430_400],
  [2, "max", undefined],
  [1, "419430400", 419_430_400],
  [1, "9223372036854771712", undefined],
] as const)("cgroups version %i, limit %s", async (version, limit, limitBytes) => {
  count(version, 1, limit);
  const before = await readKillCount(folder);
  expect(await memoryKillsSince(before, folder)).toBeUndefined();
  count(version, 3, limit);
  expect(await memoryKillsSince(before, folder)).toEqual({ killed: 2, ...(limitBytes && { limitBytes }) });
});

it("says nothing where nobody counts", async () => {
  expect(await memoryKillsSince(await readKillCount(folder), folder)).toBeUndefined();
});

it.each(["container", "shared machine"])(
  "a worker of a %s reports them with its job's end",
  async (where) => {
    count(2, 1, "419430400");
    await using dispatcher = await startDispatcher({ registration: "jit" });
    const shared = where === "container" ? {} : { RUNNER_HOME_SHARED: "1" };
    const env = { NPU_DISPATCH_CGROUP_DIR: folder, NPU_CGROUP: folder, ...shared };
    await using worker = startWorker(dispatcher, { run: "run-starves.sh", env });

    expect((await worker.exit).code).toBe(0);

    expect(readFileSync(join(folder, "memory.events"), "utf8")).toContain("oom_kill 3");
    const { output } = dispatcher.dones[0] as { output: { message: string } };
    if (where === "container") {
      expect(output).toMatchObject({ outcome: "ran", memoryKills: { killed: 2, limitBytes: 419_430_400 } });
      expect(output.message).toBe(
        "Ran build: result Failed. 2 processes were killed for lack of memory; limit 400 MiB.",
      );
      expect(worker.output()).toContain('"out-of-memory"');
    } else expect(output.message).toBe("Ran build: result Failed.");
  },
);
