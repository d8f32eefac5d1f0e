// What config.sh needs of the machine is asked before a registration, and only where config.sh will run.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createProgramRunner } from "../../../worker/process/run-program.ts";
import { configLacks } from "../../../worker/runner/config-needs.ts";
import { startDispatcher } from "../support/dispatcher-stub.ts";
import { startWorker } from "../support/start-worker.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "npd-needs-"));
  for (const name of ["bin", "home", "home/bin"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "home/bin/libcoreclr.so"), "");
  for (const name of ["sh", "sed", "grep", "tr"]) symlinkSync(`/bin/${name}`, join(folder, "bin", name));
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "bin", name), 0o755);
}

const ICU = "echo '    libicuuc.so.72 -> libicuuc.so.72.1'";
const lacks = () => configLacks(join(folder, "home"), createProgramRunner({ PATH: join(folder, "bin") }));

it("all is there", async () => {
  program("ldd", "echo '    libz.so.1 => /lib/libz.so.1 (0x00007f)'");
  program("ldconfig", ICU);
  expect(await lacks()).toBeUndefined();
});

it.each([
  ["ldd itself", () => program("ldconfig", ICU), "ldd"],
  [
    "libicu",
    () => {
      program("ldd", "true");
      program("ldconfig", "echo libz.so.1");
    },
    "libicu",
  ],
  [
    "a library of .NET's own, which all three of its files want",
    () => {
      program("ldd", "echo '    libssl.so.3 => not found'");
      program("ldconfig", ICU);
    },
    "libssl.so.3",
  ],
])("without %s", async (_what, arrange, name) => {
  arrange();
  expect(await lacks()).toMatch(
    new RegExp(`is missing here: ${name}\\. Install it .*installdependencies\\.sh.*registration: jit`),
  );
});

it("another runner, without .NET, needs none of it", async () => {
  rmSync(join(folder, "home/bin/libcoreclr.so"));
  expect(await lacks()).toBeUndefined();
});

it.each([
  ["token", 84, 0],
  ["jit", 0, 1],
] as const)("a worker with a registration of the kind %s ends with %i", async (registration, code, asked) => {
  program("ldconfig", "echo libz.so.1");
  await using dispatcher = await startDispatcher({ registration });
  const env = { PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
  await using worker = startWorker(dispatcher, { env });
  mkdirSync(join(worker.runnerHome, "bin"), { recursive: true });
  writeFileSync(join(worker.runnerHome, "bin", "libcoreclr.so"), "");
  expect((await worker.exit).code).toBe(code);
  expect(dispatcher.registrations).toHaveLength(asked);
  if (code !== 0) expect(dispatcher.dones[0]?.error).toContain("is missing here: libicu");
});
