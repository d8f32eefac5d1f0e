// What a preflight says: its codes, and how long trouble may last.
import type { WorkerClock } from "../clock.ts";

/**
 * - `E_NO_DEVICE`: the expected devices are not in sight; permanent for this worker.
 * - `E_BUSY`: another container still holds a card.
 * - `E_DRIVER`: the driver's program fails.
 * - `E_HANG`: the driver's program does not return.
 * - `E_HEALTH`: a card reports neither OK nor Warning, or what it reports cannot be read.
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
      /** The host's names of the cards in trouble. Empty: none of its own. Absent: it is not known which. */
      readonly badCards?: readonly string[];
      /** Nothing that passes: it is not looked at again. */
      readonly lasts?: true;
    };

export function fail(
  code: PreflightCode,
  message: string,
  badCards?: readonly string[],
): Extract<PreflightResult, { ok: false }> {
  return { ok: false, code, message, ...(badCards && { badCards: [...new Set(badCards)] }) };
}

/** What is missing in the container will be missing in a minute too, and no card is to blame. */
export function lacking(message: string): PreflightResult {
  return { ...fail("E_DRIVER", message, []), lasts: true };
}

/** npu-smi can hang for ever on a wedged card. */
export const PROGRAM_MS = 20_000;
/**
 * A container that has just ended releases its cards within seconds, the driver's own grace is 1 s; memory drains slower.
 * What the driver says meanwhile depends on its version: -8020, -8005 (dcmi cannot be initialized), a bare exit code.
 */
const PATIENCE_MS: { readonly [code in PreflightCode]?: number } = {
  E_BUSY: 60_000,
  E_DRIVER: 60_000,
  E_DIRTY: 60_000,
};
const RETRY_MS = 2_000;
/** After a job the report waits for it: memory that drains slower is the next worker's 60 s. */
const DRAIN_MS = 10_000;

/** Reads until it is well, cannot get well, or has been in the same trouble for its time. */
export async function readUntilWell(
  clock: WorkerClock,
  read: () => Promise<PreflightResult>,
  signal?: AbortSignal,
): Promise<PreflightResult> {
  const since = new Map<PreflightCode, number>();
  for (;;) {
    const result = await read();
    if (result.ok || result.lasts || signal?.aborted) return result;
    const startedAt = since.get(result.code) ?? clock.now();
    since.set(result.code, startedAt);
    if (clock.now() - startedAt >= (PATIENCE_MS[result.code] ?? 0)) return result;
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
