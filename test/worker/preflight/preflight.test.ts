import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exitCode } from "../../../worker/exit-codes.ts";
import { cardKind, findResidue, runPreflight } from "../../../worker/preflight/preflight.ts";
import { runProbe } from "../../../worker/preflight/run-probe.ts";
import {
  createProgramRunner,
  type ProgramResult,
  type RunProgram,
} from "../../../worker/process/run-program.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

const sample = (name: string) =>
  readFileSync(join(import.meta.dirname, "../../fixtures/npu-smi", name), "utf8");
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
    { name: "driver error", answers: [DRIVER], code: "E_DRIVER", calls: 31, tookMs: 60_000 },
    {
      name: "driver error for half a minute",
      answers: [...Array<ProgramResult>(15).fill(DRIVER), CLEAN],
      code: undefined,
      calls: 16,
      tookMs: 30_000,
    },
    { name: "failing without a word", answers: [shows("", 1)], code: "E_DRIVER", calls: 31, tookMs: 60_000 },
    { name: "not there", answers: [{ type: "missing" }], code: "E_DRIVER", calls: 1, tookMs: 0 },
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

describe("the cards in trouble", () => {
  const npus = { NPU_DISPATCH_SIMULATED_CARDS: "6,7" };
  const gpus = { NVIDIA_VISIBLE_DEVICES: "2,5" };
  const ill = (text: string) => shows(text.replace("| OK  ", "| Alarm"));
  it.each([
    ["an ill chip, by Phy-ID", npus, ill(sample("a3-26.0.rc2-partial.txt")), 2, ["0"]],
    ["used chips, by Phy-ID", npus, DIRTY, 2, ["12", "13"]],
    ["full GPUs, by the host's numbers", gpus, shows("0, 3, 24564\n1, 20000, 24564\n"), 2, ["5"]],
    [
      "full GPUs, by UUID",
      { NVIDIA_VISIBLE_DEVICES: "GPU-1,GPU-2" },
      shows("0, 3, 24564\n1, 20000, 24564\n"),
      2,
      undefined,
    ],
    ["a driver's fault", npus, DRIVER, 2, undefined],
  ] as [string, Record<string, string>, ProgramResult, number, string[] | undefined][])(
    "%s",
    async (_name, env, answer, cards, expected) => {
      const { result } = await check(cards, [answer], env);
      expect(result).toMatchObject({ ok: false });
      expect("badCards" in result ? result.badCards : undefined).toEqual(expected);
    },
  );
});

describe("after a job", () => {
  const env = { NPU_DISPATCH_SIMULATED_CARDS: "6,7" };
  async function residueOf(answers: ProgramResult[], cards = 2, signal = new AbortController().signal) {
    const clock = createVirtualClock();
    const startedAt = clock.now();
    const { run, calls } = scripted(...answers);
    const residue = await findResidue({ env, clock, run, deviceDir }, cards, signal);
    return { residue, calls: calls.length, tookMs: clock.now() - startedAt };
  }

  it("cards that drain within 10 s are no residue", async () => {
    expect(await residueOf([DIRTY, BUSY, CLEAN])).toEqual({ residue: undefined, calls: 3, tookMs: 4_000 });
  });

  it("cards that do not are told of, as is a driver that is gone", async () => {
    const residue = expect.stringMatching(/^After it the cards were not as before: E_DIRTY: NPU 6 /);
    expect(await residueOf([DIRTY])).toEqual({ residue, calls: 6, tookMs: 10_000 });
    expect((await residueOf([DRIVER])).residue).toContain("E_DRIVER");
    expect((await residueOf([{ type: "timeout" }])).residue).toContain("E_HANG");
  });

  it("nobody looks without cards, or when it must be quick", async () => {
    expect(await residueOf([DIRTY], 0)).toMatchObject({ residue: undefined, calls: 0 });
    expect(await residueOf([DIRTY], 2, AbortSignal.abort())).toMatchObject({ residue: undefined, calls: 0 });
  });
});

describe("the operator's own check", () => {
  const probe = async (answer: ProgramResult) => {
    const { run, calls } = scripted(answer);
    return { result: await runProbe(run, ["python3", "/opt/probe.py"]), calls };
  };

  it("passes by exit code 0", async () => {
    expect(await probe(shows("fine"))).toEqual({
      result: { ok: true },
      calls: [["python3", "/opt/probe.py"]],
    });
  });

  it("fails by any other one, with its last words, and when it hangs", async () => {
    const failed = (await probe(shows("Traceback\nRuntimeError: 507033.\n", 1))).result;
    expect(failed).toEqual({
      ok: false,
      code: "E_PROBE",
      message: "PREFLIGHT_COMMAND (python3) ended with 1: RuntimeError: 507033.",
    });
    expect((await probe({ type: "timeout" })).result).toMatchObject({ code: "E_PROBE" });
    expect(exitCode("preflight-failed", "E_PROBE")).toBe(96);
  });

  it("that is not there is no card's fault", async () => {
    expect((await probe({ type: "missing" })).result).toMatchObject({ ok: false, code: undefined });
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
