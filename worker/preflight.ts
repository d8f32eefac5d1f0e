// Is the hardware here and healthy? Asked in the worker's own container before a runner registers, every step bounded.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { WorkerClock } from "./clock.ts";
import type { Environment } from "./config.ts";
import { parseNpuError, parseNpuTable } from "./npu-smi.ts";
import { type CardMemory, fail, judgeMemory, judgeNpus, type PreflightResult } from "./preflight-verdict.ts";
import type { RunProgram } from "./run-program.ts";

export type PreflightDeps = {
  readonly env: Environment;
  readonly clock: WorkerClock;
  readonly run: RunProgram;
  /** `/dev`, but in tests. */
  readonly deviceDir: string;
};

/** npu-smi can hang for ever on a wedged card. */
const PROGRAM_MS = 20_000;
/** A container that has just ended releases its cards within seconds; the driver's own grace is 1 s. */
const WAIT_MS = 60_000;
const RETRY_MS = 2_000;
const DRIVER_RETRIES = 2;
const DEVICE_USED = -8020;

/** `cards` is what the job was promised; 0 checks nothing. */
export async function runPreflight(deps: PreflightDeps, cards: number, signal?: AbortSignal): Promise<PreflightResult> {
  if (cards === 0) return { ok: true };
  const kind = cardKind(deps.env);
  if (kind === "gpu") return await checkGpus(deps, cards, signal);
  const present = kind === "simulated" ? countSimulated(deps.env, cards) : await countDevices(deps.deviceDir, cards);
  return present.ok ? await checkNpus(deps, cards, kind === "simulated", signal) : present;
}

/** Which hardware the pool put into this environment; NPUs when nothing says otherwise. */
export function cardKind(env: Environment): "simulated" | "npu" | "gpu" {
  const names = (value: string | undefined) => value !== undefined && !["", "void", "none", "-1"].includes(value);
  if (env["NPU_DISPATCH_SIMULATED_CARDS"] !== undefined) return "simulated";
  if (names(env["ASCEND_VISIBLE_DEVICES"])) return "npu";
  return names(env["CUDA_VISIBLE_DEVICES"]) || names(env["NVIDIA_VISIBLE_DEVICES"]) ? "gpu" : "npu";
}

function countSimulated(env: Environment, cards: number): PreflightResult {
  const indices = (env["NPU_DISPATCH_SIMULATED_CARDS"] ?? "").split(",").filter((index) => index.trim() !== "");
  if (new Set(indices).size === cards) return { ok: true };
  const given = `NPU_DISPATCH_SIMULATED_CARDS names ${indices.length} cards`;
  return fail("E_NO_DEVICE", `${given}, the job needs ${cards}. Check the pool's settings.`);
}

async function countDevices(deviceDir: string, cards: number): Promise<PreflightResult> {
  try {
    await access(join(deviceDir, "davinci_manager"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail("E_NO_DEVICE", `No NPU driver in this container (${reason}). Check the pool's device settings.`);
  }
  const devices = (await readdir(deviceDir)).filter((name) => /^davinci\d+$/.test(name));
  if (devices.length === cards) return { ok: true };
  const seen = `${deviceDir} has ${devices.length} NPU devices (${devices.sort().join(", ") || "none"})`;
  return fail("E_NO_DEVICE", `${seen}, the job needs ${cards}. Check the pool's device settings.`);
}

type Reading = { readonly result: PreflightResult; readonly again: "busy" | "driver" | "dirty" | "never" };

/** Simulated cards need no npu-smi, but what a pool puts in the PATH must tell the same. */
async function checkNpus(
  deps: PreflightDeps,
  cards: number,
  simulated: boolean,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  return await repeat(deps.clock, signal, async () => {
    const shown = await deps.run("npu-smi", ["info"], PROGRAM_MS, signal);
    if (shown.type === "timeout") {
      const result = fail("E_HANG", "npu-smi did not return within 20 s. A card of this host is likely wedged.");
      return { result, again: "never" };
    }
    if (shown.type === "missing") {
      const missing = fail("E_DRIVER", "npu-smi is not in the PATH. Mount the driver's programs into the container.");
      return { result: simulated ? { ok: true } : missing, again: "never" };
    }
    const error = parseNpuError(shown.output);
    if (error === DEVICE_USED) {
      return { result: fail("E_BUSY", "Another container holds a card of this worker (-8020)."), again: "busy" };
    }
    if (shown.code !== 0 || error !== undefined) {
      const reason = error === undefined ? `exit code ${shown.code}` : `error ${error}`;
      return { result: fail("E_DRIVER", `npu-smi failed with ${reason}. Check the driver.`), again: "driver" };
    }
    return againIfDirty(judgeNpus(parseNpuTable(shown.output), cards));
  });
}

async function checkGpus(deps: PreflightDeps, cards: number, signal?: AbortSignal): Promise<PreflightResult> {
  const query = ["--query-gpu=index,memory.used,memory.total", "--format=csv,noheader,nounits"];
  return await repeat(deps.clock, signal, async () => {
    const shown = await deps.run("nvidia-smi", query, PROGRAM_MS, signal);
    if (shown.type === "timeout") {
      return { result: fail("E_HANG", "nvidia-smi did not return within 20 s."), again: "never" };
    }
    if (shown.type === "missing") {
      const message = "nvidia-smi is not in the PATH: the GPU driver is not in this container.";
      return { result: fail("E_NO_DEVICE", message), again: "never" };
    }
    if (shown.code !== 0) {
      return { result: fail("E_DRIVER", `nvidia-smi failed with exit code ${shown.code}.`), again: "driver" };
    }
    const gpus = parseGpus(shown.output);
    if (gpus.length === cards) return againIfDirty(judgeMemory(gpus));
    const message = `nvidia-smi shows ${gpus.length} GPUs, the job needs ${cards}. Check the pool's device settings.`;
    return { result: fail("E_NO_DEVICE", message), again: "never" };
  });
}

function againIfDirty(result: PreflightResult): Reading {
  return { result, again: !result.ok && result.code === "E_DIRTY" ? "dirty" : "never" };
}

/** Reads until it is well, cannot get well, or has been in the same trouble for its time. */
async function repeat(
  clock: WorkerClock,
  signal: AbortSignal | undefined,
  read: () => Promise<Reading>,
): Promise<PreflightResult> {
  const startedAt: { busy?: number; dirty?: number } = {};
  let driverFailures = 0;
  for (;;) {
    const { result, again } = await read();
    if (again === "never" || signal?.aborted) return result;
    if (again === "driver") {
      driverFailures += 1;
      if (driverFailures > DRIVER_RETRIES) return result;
    } else {
      startedAt[again] ??= clock.now();
      if (clock.now() - startedAt[again] >= WAIT_MS) return result;
    }
    await clock.sleep(RETRY_MS, signal);
  }
}

/** `0, 412, 24564` per line; `[N/A]` where a GPU does not tell. */
function parseGpus(text: string): CardMemory[] {
  return [...text.matchAll(/^\s*(\d+)\s*,\s*([^,\n]+?)\s*,\s*([^,\n]+?)\s*$/gm)].map((match) => {
    const [usedMb, totalMb] = [Number(match[2]), Number(match[3])];
    const memory = Number.isFinite(usedMb) && Number.isFinite(totalMb) ? { usedMb, totalMb } : undefined;
    return { name: `GPU ${match[1]}`, memory };
  });
}
