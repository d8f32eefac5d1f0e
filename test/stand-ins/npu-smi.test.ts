// The npu-smi stand-in: a table for the simulated cards, and the two errors a worker must tell apart.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseNpuTable } from "../../worker/preflight/npu-smi.ts";
import { pretendHost } from "../fakes/npu-smi/pretend-host.ts";

const PROGRAM = fileURLToPath(new URL("../fakes/npu-smi/npu-smi", import.meta.url));

function info(environment: Readonly<Record<string, string>>): Promise<{ code: number; text: string }> {
  const env = { PATH: process.env["PATH"], ...environment };
  return new Promise((resolve) => {
    execFile(PROGRAM, ["info"], { env }, (error, stdout) =>
      resolve({ code: Number(error?.code ?? 0), text: stdout }),
    );
  });
}

test("prints the simulated cards in a table of equal lines", async () => {
  const { code, text } = await info({
    NPU_DISPATCH_SIMULATED_CARDS: "0,3",
    NPU_DISPATCH_SIMULATED_ALARM: "3",
  });
  expect(code).toBe(0);
  const lines = text.trimEnd().split("\n");
  expect(new Set(lines.map((line) => line.length))).toEqual(new Set([98]));
  const cards = lines
    .filter((line) => /^\| \d +910B/.test(line))
    .map((line) => line.split(/[|\s]+/).slice(1, 4));
  expect(cards).toEqual([
    ["0", "910B4", "OK"],
    ["3", "910B4", "Alarm"],
  ]);
  expect(text).toContain("No running processes found in NPU 3");
});

test("prints all cards of a pretended host, and who uses them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "npu-smi-"));
  try {
    const NPU_DISPATCH_DEVICE_DIR = await pretendHost(join(folder, "dev"), 16);
    const { code, text } = await info({ NPU_DISPATCH_DEVICE_DIR, NPU_DISPATCH_SIMULATED_USED: "2" });
    expect(code).toBe(0);
    expect(
      new Set(
        text
          .trimEnd()
          .split("\n")
          .map((line) => line.length),
      ),
    ).toEqual(new Set([98]));
    const { chips, processes } = parseNpuTable(text);
    expect(chips.map(({ card }) => card)).toEqual(Array.from({ length: 16 }, (_, number) => number));
    expect(chips[2]?.memory).toEqual({ usedMb: 29_867, totalMb: 32_768 });
    expect(processes).toEqual([{ npu: 2, chip: 0, pid: 1_333_928 }]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("without cards it fails with -8005", async () => {
  const { code, text } = await info({});
  expect(code).toBe(1);
  expect(text).toMatch(/ret is -8005\n$/);
});

test("is busy as often as the file says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "npu-smi-"));
  const file = join(folder, "busy");
  const environment = { NPU_DISPATCH_SIMULATED_CARDS: "1", NPU_DISPATCH_SIMULATED_BUSY_FILE: file };
  try {
    await writeFile(file, "2\n");
    for (const left of ["1\n", "0\n"]) {
      expect(await info(environment)).toMatchObject({
        code: 1,
        text: expect.stringMatching(/used\. ret is -8020\n$/),
      });
      expect(await readFile(file, "utf8")).toBe(left);
    }
    expect((await info(environment)).code).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
