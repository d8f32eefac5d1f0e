// The runner stand-in and its own folder: what it reads there, writes over, and demands beside it; and a second listener.
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startScript } from "./runner-process.ts";
import { openRunnerWorld, type RunnerWorld } from "./runner-world.ts";

let world: RunnerWorld;
beforeEach(async () => {
  world = await openRunnerWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const own = (name: string) => join(world.root, name);
const text = (name: string) => readFileSync(own(name), "utf8");

// SystemdControlManager.cs:28-41 of actions/runner 258d6c857.
test("config.sh writes over svc.sh, in place", async () => {
  writeFileSync(
    own("svc.sh"),
    "the operator's own, which is much longer than what is written over it".repeat(9),
  );
  await world.configure();
  expect(text("svc.sh")).toBe(`#!/bin/bash\n# service of ${world.root}\n`);
});

// layoutroot/run.sh:17, :41.
test("run.sh copies its helper anew at each start, over the one that is there", async () => {
  writeFileSync(own("run-helper.sh"), "#!/bin/bash\necho of a job\n");
  chmodSync(own("run-helper.sh"), 0o755);
  await world.configure("--ephemeral");
  world.queue("echo done");
  const script = world.run();
  expect((await script.ended).code).toBe(0);
  expect(script.text()).not.toContain("of a job");
  expect(text("run-helper.sh")).toBe(text("run-helper.sh.template"));
});

// Listener/Program.cs:172-199.
test("of .env the last line of a name wins, and one without a value takes it away", async () => {
  await world.configure("--ephemeral");
  writeFileSync(own(".env"), "TWICE=one\nTWICE=two\nGONE=\nno name\n=none\n");
  const id = world.queue('echo "$TWICE $GONE"');
  expect((await world.run({ TWICE: "zero", GONE: "there" }).ended).code).toBe(0);
  expect(world.github.workflowJob(id).lines).toEqual(["two "]);
});

// Runner.cs:328; TaskResultUtil.cs: 100 + TaskResult, which run-helper.sh does not know.
test.each([
  ["true", 100],
  ["false", 102],
])("asked to return a job's result: %s is %i for the helper", async (line, code) => {
  await world.configure();
  world.queue(line);
  const script = world.run({ ACTIONS_RUNNER_RETURN_JOB_RESULT_FOR_HOSTED: "1" });
  expect((await script.ended).code).toBe(0);
  expect(script.text()).toContain(`Exiting with unknown error code: ${code}`);
});

// MessageListener.cs:523-529.
test("a second listener of one registration says so and waits, and listens once the first has ended", async () => {
  await world.configure();
  const first = world.run({ RUNNER_MANUALLY_TRAP_SIG: "1" });
  await first.printed(/Listening for Jobs/);
  const second = world.run();
  await second.printed(/A session for this runner already exists\./);
  expect(second.text()).not.toContain("Listening");
  first.child.kill("SIGINT");
  await first.ended;
  await second.printed(/Listening for Jobs/);
});

// Validators.cs:56.
test("a label has at most 256 characters", async () => {
  const labels = (length: number) =>
    startScript(world.root, "config.sh", [
      ...[
        "--unattended",
        "--url",
        `${world.github.apiUrl}/octo-org`,
        "--pat",
        world.github.personalAccessToken,
      ],
      ...["--name", "w-1", "--labels", "x".repeat(length)],
    ]);
  const refused = labels(257);
  expect((await refused.ended).code).toBe(1);
  expect(refused.text()).toContain("Invalid configuration provided for labels");
  expect((await labels(256).ended).code).toBe(0);
});

// layoutroot/config.sh:12-63.
test.each([
  ["ldd", [], "Can not find 'ldd'. Please install 'ldd' and try again."],
  ["libicu", ["ldd"], "Libicu's dependencies is missing for Dotnet Core 6.0"],
] as const)(
  "with .NET's library beside it config.sh demands %s, before anything else",
  async (_what, there, words) => {
    const bin = join(world.folder, "path");
    await mkdir(bin);
    for (const name of ["bash", "node", "grep", ...there]) {
      const found = [...(process.env["PATH"] ?? "").split(":"), "/usr/bin"].find((path) =>
        existsSync(join(path, name)),
      );
      symlinkSync(join(found ?? "/usr/bin", name), join(bin, name));
    }
    writeFileSync(join(bin, "ldconfig"), "#!/bin/bash\necho libz.so.1\n");
    chmodSync(join(bin, "ldconfig"), 0o755);
    writeFileSync(own("bin/libcoreclr.so"), "");
    const script = startScript(world.root, "config.sh", ["--unattended"], { PATH: bin });
    expect((await script.ended).code).toBe(1);
    expect(script.text()).toContain(words);
    expect(existsSync(own(".runner"))).toBe(false);
  },
);
