// The ends of a pool's workers, side by side with whoever asks for them: a program that ignores TERM holds up nobody.
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerId } from "../../domain/ids.ts";

/** TERM, grace, KILL, and what is left removed. True when nothing is left of it. */
type End = (workerId: WorkerId, graceMs: number) => Promise<"gone" | "stopping">;

type UnderWay = { readonly killAt: number; readonly outcome: Promise<"gone" | "stopping"> };

/** Whoever obeys TERM is gone within that: one call is enough for most. */
const MOMENT_MS = 1_000;
/** A grace so short is waited for, with the time that KILL and the removal take. */
const AFTER_GRACE_MS = 5_000;

/**
 * The first call begins the end and waits for a moment; a later one says how far it is, at once. One with a shorter grace
 * than what is left begins anew. An end goes on when nobody asks any more; its fault is told to whoever asks next.
 */
export function endBeside(end: End): End {
  const ends = new Map<WorkerId, UnderWay>();
  return async (workerId, graceMs) => {
    const killAt = performance.now() + graceMs;
    const before = ends.get(workerId);
    if (before !== undefined && before.killAt <= killAt) return outcomeOf(workerId, before, 0);
    const outcome = end(workerId, graceMs);
    // Nobody may be there to hear of it.
    outcome.catch(() => undefined);
    const begun = { killAt, outcome };
    ends.set(workerId, begun);
    return outcomeOf(workerId, begun, graceMs <= MOMENT_MS ? graceMs + AFTER_GRACE_MS : MOMENT_MS);
  };

  async function outcomeOf(workerId: WorkerId, one: UnderWay, waitMs: number): Promise<"gone" | "stopping"> {
    const waited = new AbortController();
    const late = sleep(waitMs, "late" as const, { signal: waited.signal }).catch(() => "late" as const);
    try {
      const seen = await Promise.race([one.outcome, late]);
      if (seen === "late") return "stopping";
      forget(workerId, one);
      return seen;
    } catch (error) {
      forget(workerId, one);
      throw error;
    } finally {
      waited.abort();
    }
  }

  function forget(workerId: WorkerId, one: UnderWay): void {
    if (ends.get(workerId) === one) ends.delete(workerId);
  }
}
