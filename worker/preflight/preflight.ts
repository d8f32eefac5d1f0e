// Is the hardware here and healthy? Asked in the worker's own container before a runner registers, every step bounded.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { WorkerClock } from "../clock.ts";
import type { Environment } from "../config.ts";
import type { RunProgram } from "../process/run-program.ts";
import { fail, type PreflightResult, readUntilDrained, readUntilWell } from "./preflight-verdict.ts";
import { readGpus } from "./read-gpus.ts";
import { readNpus } from "./read-npus.ts";

export type PreflightDeps = {
  readonly env: Environment;
  readonly clock: WorkerClock;
  readonly run: RunProgram;
  /** `/dev`, but in tests. */
  readonly deviceDir: string;
};

/** `cards` is what the job was promised; 0 checks nothing. */
export async function runPreflight(
  deps: PreflightDeps,
  cards: number,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  const { env, clock, deviceDir } = deps;
  if (cards === 0) return { ok: true };
  const kind = cardKind(env);
  if (kind !== "gpu") {
    const present = kind === "simulated" ? countSimulated(env, cards) : await countDevices(deviceDir, cards);
    if (!present.ok) return present;
  }
  return await readUntilWell(clock, () => readCards(deps, cards, signal), signal);
}

/** After a job: in a sentence what it left on its cards; undefined: nothing, or there was no time to look. */
export async function findResidue(
  deps: Omit<PreflightDeps, "deviceDir">,
  cards: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (cards === 0 || signal.aborted) return undefined;
  const result = await readUntilDrained(deps.clock, () => readCards(deps, cards, signal), signal);
  if (result.ok || signal.aborted) return undefined;
  return `After it the cards were not as before: ${result.code}: ${result.message}`;
}

async function readCards(
  { env, run }: Pick<PreflightDeps, "env" | "run">,
  cards: number,
  signal: AbortSignal | undefined,
): Promise<PreflightResult> {
  const kind = cardKind(env);
  if (kind !== "gpu") return await readNpus(run, cards, kind === "simulated", signal);
  const visible = env["NVIDIA_VISIBLE_DEVICES"] ?? env["CUDA_VISIBLE_DEVICES"];
  return await readGpus(run, cards, visible, signal);
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
