import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cardKind, runPreflight } from "../../worker/preflight.ts";
import { createProgramRunner, type ProgramResult, type RunProgram } from "../../worker/run-program.ts";
import { createVirtualClock } from "./support/virtual-clock.ts";

const sample = (name: string) => readFileSync(join(import.meta.dirname, "../fixtures/npu-smi", name), "utf8");
const shows = (output: string, code = 0): ProgramResult => ({ type: "exited", code, output });
const CLEAN = shows(sample("a3-26.0.rc2-partial.txt"));
const BUSY = shows(sample("err-8020-busy.txt"), 1);
const DIRTY = shows(sample("a3-in-container-composite.txt"));
const DRIVER = shows(sample("err-8005-init.txt"), 1);

let deviceDir = "";
beforeEach(() => {
  deviceDir = mkdtempSync(join(tmpdir(), "npd-dev-"));
});
afterEach(() => rmSync(deviceDir, { recursive: true }));

function devices(...names: string[]) {
  for (const name of names) writeFileSync(join(deviceDir, name), "");
}

/** Answers in turn, the last one for ever. */
function scripted(...answers: ProgramResult[]): { run: RunProgram; calls: string[][] } {
  const calls: string[][] = [];
  return {
    calls,
    async run(program, args) {
      calls.push([program, ...args]);
      return answers[Math.min(calls.length, answers.length) - 1] ?? { type: "missing" };
    },
  };
}

async function check(cards: number, answers: ProgramResult[], env: Record<string, string> = {}) {
  const clock = createVirtualClock();
  const program = scripted(...answers);
  const startedAt = clock.now();
  const result = await runPreflight({ env, clock, run: program.run, deviceDir }, cards);
  return { result, calls: program.calls, tookMs: clock.now() - startedAt };
}

describe("NPUs", () => {
  it("are not asked for when none is needed", async () => {
    expect(await check(0, [])).toEqual({ result: { ok: true }, calls: [], tookMs: 0 });
  });

  it("must be there, exactly as many as promised", async () => {
    expect((await check(2, [CLEAN])).result).toMatchObject({ code: "E_NO_DEVICE" });
    devices("davinci_manager", "davinci6", "davinci7", "davinci8", "davinci6x");
    const { result, calls } = await check(2, [CLEAN]);
    expect(result).toMatchObject({
      code: "E_NO_DEVICE",
      message: expect.stringContaining("has 3 NPU devices"),
    });
    expect(calls).toEqual([]);
    expect((await check(3, [{ ...CLEAN }])).result).toMatchObject({ code: "E_NO_DEVICE" });
  });

  it.each([
    { name: "clean", answers: [CLEAN], code: undefined, calls: 1, tookMs: 0 },
    { name: "busy at first", answers: [BUSY, BUSY, CLEAN], code: undefined, calls: 3, tookMs: 4_000 },
    { name: "busy for good", answers: [BUSY], code: "E_BUSY", calls: 31, tookMs: 60_000 },
    {
      name: "driver error at first",
      answers: [DRIVER, DRIVER, CLEAN],
      code: undefined,
      calls: 3,
      tookMs: 4_000,
    },
    { name: "driver error", answers: [DRIVER], code: "E_DRIVER", calls: 3, tookMs: 4_000 },
    { name: "failing without a word", answers: [shows("", 1)], code: "E_DRIVER", calls: 3, tookMs: 4_000 },
    { name: "draining memory", answers: [DIRTY, CLEAN], code: undefined, calls: 2, tookMs: 2_000 },
    { name: "dirty for good", answers: [DIRTY], code: "E_DIRTY", calls: 31, tookMs: 60_000 },
    { name: "hanging", answers: [{ type: "timeout" }], code: "E_HANG", calls: 1, tookMs: 0 },
    {
      name: "busy, then dirty",
      answers: [...Array<ProgramResult>(30).fill(BUSY), DIRTY],
      code: "E_DIRTY",
      calls: 61,
      tookMs: 120_000,
    },
  ] as { name: string; answers: ProgramResult[]; code?: string; calls: number; tookMs: number }[])(
    "$name: $code after $tookMs ms",
    async ({ answers, code, calls, tookMs }) => {
      devices("davinci_manager", "davinci6", "davinci7");
      const seen = await check(2, answers);
      expect(seen.result).toMatchObject(code ? { ok: false, code } : { ok: true });
      expect({ calls: seen.calls.length, tookMs: seen.tookMs }).toEqual({ calls, tookMs });
      expect(seen.calls[0]).toEqual(["npu-smi", "info"]);
    },
  );

  it("without npu-smi are a driver fault, but simulated ones need none", async () => {
    const env = { NPU_DISPATCH_SIMULATED_CARDS: "0,1" };
    expect((await check(2, [{ type: "missing" }], env)).result).toEqual({ ok: true });
    expect((await check(2, [CLEAN], env)).result).toEqual({ ok: true });
    expect(
      (await check(2, [shows(CLEAN.type === "exited" ? CLEAN.output.replace("| OK  ", "| Alarm") : "")], env))
        .result,
    ).toMatchObject({ code: "E_HEALTH" });
    expect((await check(4, [CLEAN], env)).result).toMatchObject({ code: "E_NO_DEVICE" });
    devices("davinci_manager", "davinci0", "davinci1");
    expect((await check(2, [{ type: "missing" }])).result).toMatchObject({ code: "E_DRIVER" });
  });
});

describe("GPUs", () => {
  const env = { NVIDIA_VISIBLE_DEVICES: "GPU-1,GPU-2" };
  it.each([
    { answers: [shows("0, 412, 24564\n1, 3, 24564\n")], code: undefined },
    { answers: [shows("0, [N/A], [N/A]\n1, 3, 24564\n")], code: undefined },
    { answers: [shows("0, 412, 24564\n")], code: "E_NO_DEVICE" },
    { answers: [shows("0, 20000, 24564\n1, 3, 24564\n")], code: "E_DIRTY" },
    { answers: [shows("NVIDIA-SMI has failed", 9)], code: "E_DRIVER" },
    { answers: [{ type: "timeout" }], code: "E_HANG" },
    { answers: [{ type: "missing" }], code: "E_NO_DEVICE" },
  ] as { answers: ProgramResult[]; code?: string }[])("$code", async ({ answers, code }) => {
    expect((await check(2, answers, env)).result).toMatchObject(code ? { ok: false, code } : { ok: true });
  });

  it("are told from NPUs by the environment", () => {
    expect(cardKind({})).toBe("npu");
    expect(cardKind({ CUDA_VISIBLE_DEVICES: "0" })).toBe("gpu");
    expect(cardKind({ CUDA_VISIBLE_DEVICES: "0", ASCEND_VISIBLE_DEVICES: "3" })).toBe("npu");
    expect(cardKind({ NVIDIA_VISIBLE_DEVICES: "void" })).toBe("npu");
    expect(cardKind({ NPU_DISPATCH_SIMULATED_CARDS: "0", CUDA_VISIBLE_DEVICES: "0" })).toBe("simulated");
  });
});

describe("a program", () => {
  const program = (text: string) => {
    const path = join(deviceDir, "program");
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const run = createProgramRunner({ PATH: process.env["PATH"] });

  it("gives its output and its code", async () => {
    expect(await run(program("echo out; echo err >&2; exit 3"), [], 5_000)).toMatchObject({
      type: "exited",
      code: 3,
    });
    expect(await run(join(deviceDir, "nothing"), [], 5_000)).toEqual({ type: "missing" });
  });

  it("that hangs is ended with its children", async () => {
    expect(await run(program("trap '' TERM; sleep 300"), [], 100)).toEqual({ type: "timeout" });
  });
});
