// What a preflight says: its codes, the judgement of what npu-smi or nvidia-smi showed, and how long trouble may last.
import type { WorkerClock } from "./clock.ts";
import type { NpuTable } from "./npu-smi.ts";

/**
 * - `E_NO_DEVICE`: the expected devices are not in this container; permanent for it.
 * - `E_BUSY`: another container still holds a card.
 * - `E_DRIVER`: the driver's program fails.
 * - `E_HANG`: the driver's program does not return.
 * - `E_HEALTH`: a card reports neither OK nor Warning.
 * - `E_DIRTY`: a card's memory or a foreign process did not go away.
 */
export type PreflightCode = "E_NO_DEVICE" | "E_BUSY" | "E_DRIVER" | "E_HANG" | "E_HEALTH" | "E_DIRTY";

export type PreflightResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: PreflightCode; readonly message: string };

export function fail(code: PreflightCode, message: string): PreflightResult {
  return { ok: false, code, message };
}

/** npu-smi can hang for ever on a wedged card. */
export const PROGRAM_MS = 20_000;
/** A container that has just ended releases its cards within seconds, the driver's own grace is 1 s; memory drains slower. */
const PATIENCE_MS: { readonly [code in PreflightCode]?: number } = { E_BUSY: 60_000, E_DIRTY: 60_000 };
const RETRY_MS = 2_000;
const DRIVER_RETRIES = 2;

/** Reads until it is well, cannot get well, or has been in the same trouble for its time. */
export async function readUntilWell(
  clock: WorkerClock,
  read: () => Promise<PreflightResult>,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  const since = new Map<PreflightCode, number>();
  for (let driverFailures = 0; ; ) {
    const result = await read();
    if (result.ok || signal?.aborted) return result;
    const startedAt = since.get(result.code) ?? clock.now();
    since.set(result.code, startedAt);
    if (result.code === "E_DRIVER") driverFailures += 1;
    const retried = result.code === "E_DRIVER" && driverFailures <= DRIVER_RETRIES;
    if (!retried && clock.now() - startedAt >= (PATIENCE_MS[result.code] ?? 0)) return result;
    await clock.sleep(RETRY_MS, signal);
  }
}

export function judgeNpus({ chips, processes }: NpuTable, expected: number): PreflightResult {
  const npus = new Set(chips.map(({ npu }) => npu)).size;
  // An A3 NPU is two chips, and pools sell either.
  if (chips.length !== expected && npus !== expected) {
    const seen = `npu-smi shows ${npus} NPUs with ${chips.length} chips`;
    return fail("E_NO_DEVICE", `${seen}, the job needs ${expected}. Check the pool's device settings.`);
  }
  const ill = chips.find(({ health }) => health !== "OK" && health !== "Warning");
  if (ill) {
    const where = `NPU ${ill.npu} chip ${ill.chip} (${ill.name})`;
    return fail(
      "E_HEALTH",
      `${where} reports ${ill.health}. Take it out of the pool and check it on its host.`,
    );
  }
  const process = processes[0];
  if (process) {
    return fail(
      "E_DIRTY",
      `NPU ${process.npu} chip ${process.chip} is used by process ${process.pid} of the host.`,
    );
  }
  return judgeMemory(chips.map(({ npu, chip, memory }) => ({ name: `NPU ${npu} chip ${chip}`, memory })));
}

export type CardMemory = {
  readonly name: string;
  readonly memory: { readonly usedMb: number; readonly totalMb: number } | undefined;
};

/** An idle 64 GB 910B shows 2.9 to 3.4 GB in use, a 21 GB 310P 1.9 GB. */
export function judgeMemory(cards: readonly CardMemory[]): PreflightResult {
  for (const { name, memory } of cards) {
    if (memory && memory.usedMb > Math.max(0.12 * memory.totalMb, 6 * 1024)) {
      return fail("E_DIRTY", `${name} has ${memory.usedMb} of ${memory.totalMb} MB in use before the job.`);
    }
  }
  return { ok: true };
}
