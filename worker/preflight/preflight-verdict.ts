// What a preflight says: its codes, the judgement of what npu-smi or nvidia-smi showed, and how long trouble may last.
import type { WorkerClock } from "../clock.ts";
import type { NpuTable } from "./npu-smi.ts";

/**
 * - `E_NO_DEVICE`: the expected devices are not in this container; permanent for it.
 * - `E_BUSY`: another container still holds a card.
 * - `E_DRIVER`: the driver's program fails.
 * - `E_HANG`: the driver's program does not return.
 * - `E_HEALTH`: a card reports neither OK nor Warning.
 * - `E_DIRTY`: a card's memory or a foreign process did not go away.
 * - `E_PROBE`: the operator's own check (PREFLIGHT_COMMAND) failed.
 */
export type PreflightCode =
  | "E_NO_DEVICE"
  | "E_BUSY"
  | "E_DRIVER"
  | "E_HANG"
  | "E_HEALTH"
  | "E_DIRTY"
  | "E_PROBE";

export type PreflightResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: PreflightCode;
      readonly message: string;
      /** The host's numbers of the cards in trouble; absent where it is not known which. */
      readonly badCards?: readonly string[];
    };

export function fail(
  code: PreflightCode,
  message: string,
  badCards: readonly string[] = [],
): Extract<PreflightResult, { ok: false }> {
  return { ok: false, code, message, ...(badCards.length > 0 && { badCards: [...new Set(badCards)] }) };
}

/** npu-smi can hang for ever on a wedged card. */
export const PROGRAM_MS = 20_000;
/** A container that has just ended releases its cards within seconds, the driver's own grace is 1 s; memory drains slower. */
const PATIENCE_MS: { readonly [code in PreflightCode]?: number } = { E_BUSY: 60_000, E_DIRTY: 60_000 };
const RETRY_MS = 2_000;
/** After a job the report waits for it: memory that drains slower is the next worker's 60 s. */
const DRAIN_MS = 10_000;
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

/** After a job: reads until the cards are as they were, or it is late. */
export async function readUntilDrained(
  clock: WorkerClock,
  read: () => Promise<PreflightResult>,
  signal: AbortSignal,
): Promise<PreflightResult> {
  const startedAt = clock.now();
  for (;;) {
    const result = await read();
    if (result.ok || signal.aborted) return result;
    const drains = result.code === "E_DIRTY" || result.code === "E_BUSY";
    if (!drains || clock.now() - startedAt >= DRAIN_MS) return result;
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
  const ills = chips.filter(({ health }) => health !== "OK" && health !== "Warning");
  const ill = ills[0];
  if (ill) {
    const where = `NPU ${ill.npu} chip ${ill.chip} (${ill.name})`;
    return fail(
      "E_HEALTH",
      `${where} reports ${ill.health}. Take it out of the pool and check it on its host.`,
      ills.map(({ card }) => String(card)),
    );
  }
  const process = processes[0];
  if (process) {
    return fail(
      "E_DIRTY",
      `NPU ${process.npu} chip ${process.chip} is used by process ${process.pid} of the host.`,
      processes.flatMap(({ npu, chip }) => cardsOf(chips, npu, chip)),
    );
  }
  return judgeMemory(
    chips.map(({ npu, chip, card, memory }) => ({
      name: `NPU ${npu} chip ${chip}`,
      card: String(card),
      memory,
    })),
  );
}

function cardsOf(chips: NpuTable["chips"], npu: number, chip: number): string[] {
  return chips.filter((one) => one.npu === npu && one.chip === chip).map(({ card }) => String(card));
}

export type CardMemory = {
  readonly name: string;
  /** The host's number of it, where it is known. */
  readonly card: string | undefined;
  readonly memory: { readonly usedMb: number; readonly totalMb: number } | undefined;
};

/** An idle 64 GB 910B shows 2.9 to 3.4 GB in use, a 21 GB 310P 1.9 GB. */
export function judgeMemory(cards: readonly CardMemory[]): PreflightResult {
  const dirty = cards.filter(
    ({ memory }) => memory && memory.usedMb > Math.max(0.12 * memory.totalMb, 6 * 1024),
  );
  if (dirty.length === 0) return { ok: true };
  const seen = dirty.map(
    ({ name, memory }) => `${name} has ${memory?.usedMb} of ${memory?.totalMb} MB in use`,
  );
  const known = dirty.flatMap(({ card }) => (card === undefined ? [] : [card]));
  return fail("E_DIRTY", `${seen.join(", ")}, and no job on it.`, known);
}
