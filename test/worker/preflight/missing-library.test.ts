// A program that lacks a shared library: which one, what to mount, and no minute of waiting for it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { missingLibrary } from "../../../shared/domain/missing-library.ts";
import { runPreflight } from "../../../worker/preflight/preflight.ts";
import { runProbe } from "../../../worker/preflight/run-probe.ts";
import type { ProgramResult } from "../../../worker/process/run-program.ts";
import { libraryAdvice } from "../../../worker/runner/library-advice.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

const GLIBC =
  "npu-smi: error while loading shared libraries: libc_sec.so: cannot open shared object file: No such file or directory";
const MUSL =
  "Error loading shared library libstdc++.so.6: No such file or directory (needed by ./bin/Runner.Listener)";

test.each([
  [GLIBC, "libc_sec.so"],
  [MUSL, "libstdc++.so.6"],
  [
    "ImportError: libascendcl.so: cannot open shared object file: No such file or directory",
    "libascendcl.so",
  ],
  [
    "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the NVIDIA Display Driver is properly installed",
    "libnvidia-ml.so",
  ],
  ["dcmi module initialize failed. ret is -8005", undefined],
  ["", undefined],
])("%s", (words, name) => expect(missingLibrary(words)).toBe(name));

async function check(answer: ProgramResult, env: Record<string, string>) {
  const deviceDir = mkdtempSync(join(tmpdir(), "npd-dev-"));
  for (const name of ["davinci_manager", "davinci0"]) writeFileSync(join(deviceDir, name), "");
  const clock = createVirtualClock();
  const startedAt = clock.now();
  const result = await runPreflight({ env, clock, run: async () => answer, deviceDir }, 1);
  rmSync(deviceDir, { recursive: true });
  return { result, tookMs: clock.now() - startedAt };
}

test.each([
  [
    "NPU",
    {},
    GLIBC,
    127,
    /npu-smi lacks the shared library libc_sec\.so .*Mount.*Ascend\/driver\/lib64.*LD_LIBRARY_PATH/,
  ],
  [
    "GPU",
    { CUDA_VISIBLE_DEVICES: "0" },
    "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.",
    12,
    /nvidia-smi lacks the shared library libnvidia-ml\.so.*NVIDIA_DRIVER_CAPABILITIES/,
  ],
] as const)("%s: named at once, and no card is blamed", async (_kind, env, output, code, message) => {
  expect(await check({ type: "exited", code, output }, env)).toEqual({
    result: expect.objectContaining({
      ok: false,
      code: "E_DRIVER",
      message: expect.stringMatching(message),
      badCards: [],
    }),
    tookMs: 0,
  });
});

test("PREFLIGHT_COMMAND: it is the container's fault, not a card's", async () => {
  const output = "ImportError: libhccl.so: cannot open shared object file: No such file or directory\n";
  expect(await runProbe(async () => ({ type: "exited", code: 1, output }), ["python3"])).toMatchObject({
    ok: false,
    code: undefined,
    message: expect.stringMatching(
      /ended with 1: ImportError.*lacks the shared library libhccl\.so.*LD_LIBRARY_PATH/,
    ),
  });
});

test.each([
  [MUSL, "libstdc++.so.6"],
  ["Libicu's dependencies is missing for Dotnet Core 6.0", "Libicu"],
  ["Process terminated. Couldn't find a valid ICU package installed on the system.", "ICU"],
])("actions/runner: %s", (line, name) => {
  expect(libraryAdvice(["one", line])).toContain(
    `lacks the shared library ${name}: run bin/installdependencies.sh`,
  );
});

test("actions/runner: other words get no such advice", () => {
  expect(libraryAdvice(["Http response code: NotFound"])).toBe("");
});
