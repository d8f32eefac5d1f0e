// A runner that listens and can get no job: its registration is gone at GitHub, or its process does not know that it is
// over.
import { DRAIN_MS, GHOST_CHECK_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Worker } from "./worker.ts";

/**
 * When GitHub is asked for the registration; undefined for a worker that need not be: it is not idle, asked to drain, or
 * the runner of an API job, which ends by the limits of that. Each pause is as long as it has been idle, at least
 * GHOST_CHECK_MS: one call within the default idle limit, 5 in an hour.
 */
export function ghostCheckAt(worker: Worker): EpochMs | undefined {
  const { state, kind = "github", drain, phases, registrationCheckedAt: checkedAt } = worker;
  if (state !== "listening" || kind !== "github" || drain !== undefined) return undefined;
  const since = phases.listening ?? worker.createdAt;
  return checkedAt === undefined
    ? since + GHOST_CHECK_MS
    : checkedAt + Math.max(GHOST_CHECK_MS, checkedAt - since);
}

/**
 * It was asked to drain, and has not been heard of since. If it has no registration nothing can run there, and nobody is
 * there to end it. One that still pings is asked, never stopped.
 */
export function isMute(worker: Worker, now: EpochMs): boolean {
  const { state, kind = "github", drain, heartbeatAt = worker.createdAt } = worker;
  if (drain === undefined || kind !== "github" || (state !== "booted" && state !== "listening")) return false;
  return heartbeatAt < drain.at && now >= drain.at + DRAIN_MS;
}
