// Is the hardware here and healthy? Asked in the worker's own container before a runner registers, every step bounded.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { WorkerClock } from "./clock.ts";
import type { Environment } from "./config.ts";
import { fail, type PreflightResult, readUntilWell } from "./preflight-verdict.ts";
import { readGpus } from "./read-gpus.ts";
import { readNpus } from "./read-npus.ts";
import type { RunProgram } from "./run-program.ts";

export type PreflightDeps = {
  readonly env: Environment;
  readonly clock: WorkerClock;
  readonly run: RunProgram;
  /** `/dev`, but in tests. */
  readonly deviceDir: string;
};

/** `cards` is what the job was promised; 0 checks nothing. */
export async function runPreflight(
  { env, clock, run, deviceDir }: PreflightDeps,
  cards: number,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  if (cards === 0) return { ok: true };
  const kind = cardKind(env);
  if (kind === "gpu") return await readUntilWell(clock, () => readGpus(run, cards, signal), signal);
  const simulated = kind === "simulated";
  const present = simulated ? countSimulated(env, cards) : await countDevices(deviceDir, cards);
  if (!present.ok) return present;
  return await readUntilWell(clock, () => readNpus(run, cards, simulated, signal), signal);
}

/** Which hardware the pool put into this environment; NPUs when nothing says otherwise. */
export function cardKind(env: Environment): "simulated" | "npu" | "gpu" {
  const names = (value: string | undefined) =>
    value !== undefined && !["", "void", "none", "-1"].includes(value);
  if (env["NPU_DISPATCH_SIMULATED_CARDS"] !== undefined) return "simulated";
  if (names(env["ASCEND_VISIBLE_DEVICES"])) return "npu";
  return names(env["CUDA_VISIBLE_DEVICES"]) || names(env["NVIDIA_VISIBLE_DEVICES"]) ? "gpu" : "npu";
}

function countSimulated(env: Environment, cards: number): PreflightResult {
  const indices = (env["NPU_DISPATCH_SIMULATED_CARDS"] ?? "")
    .split(",")
    .map((index) => index.trim())
    .filter((index) => index !== "");
  if (new Set(indices).size === cards) return { ok: true };
  const given = `NPU_DISPATCH_SIMULATED_CARDS names ${new Set(indices).size} cards`;
  return fail("E_NO_DEVICE", `${given}, the job needs ${cards}. Check the pool's settings.`);
}

async function countDevices(deviceDir: string, cards: number): Promise<PreflightResult> {
  try {
    await access(join(deviceDir, "davinci_manager"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(
      "E_NO_DEVICE",
      `No NPU driver in this container (${reason}). Check the pool's device settings.`,
    );
  }
  const devices = (await readdir(deviceDir)).filter((name) => /^davinci\d+$/.test(name));
  if (devices.length === cards) return { ok: true };
  const seen = `${deviceDir} has ${devices.length} NPU devices (${devices.sort().join(", ") || "none"})`;
  return fail("E_NO_DEVICE", `${seen}, the job needs ${cards}. Check the pool's device settings.`);
}
