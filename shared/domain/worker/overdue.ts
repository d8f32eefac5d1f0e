// What a worker whose time has come needs. A silent worker that its pool still runs is never stopped before its limit.

import type { EndpointLimits } from "../admission/endpoint.ts";
import { HEARTBEAT_LOST_MS, PREPARE_MS, SILENT_RECHECK_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import { ghostCheckAt, isMute } from "./ghost.ts";
import type { DrainReason, Worker } from "./worker.ts";
import { isIdleProgram } from "./worker-lease.ts";
import { executionEndsAt, hasUnsureJob, idleLimit } from "./worker-steps.ts";

/** What the pool says of its container. */
export type Sighting = "running" | "ended";

export type Overdue =
  /** A crash came between claim and start, or before the claim. */
  | { readonly type: "resume-start" }
  | { readonly type: "release" }
  /** Its container is gone. */
  | { readonly type: "lost" }
  /** It never booted: stopped and counted as a failed start. */
  | { readonly type: "boot-timeout" }
  | { readonly type: "drain"; readonly reason: DrainReason }
  /** It fell silent before it asked for a registration: it can have no job, and counts as a failed start. */
  | { readonly type: "unready" }
  /** It is idle: is its runner registered still? If not it is asked to drain; when it is mute after that, it is `lost`. */
  | { readonly type: "check-registration"; readonly ifGone: "drain" | "lost" }
  /** A program without a job: it cannot be asked, and need not be. */
  | { readonly type: "dismiss" }
  | { readonly type: "stop"; readonly reason: "execution-timeout" }
  | { readonly type: "wait"; readonly until: EpochMs };

type Moment = { readonly now: EpochMs; readonly limits: EndpointLimits };

export function decideOverdue(worker: Worker, sighting: Sighting, moment: Moment): Overdue {
  if (worker.state === "finished" || worker.state === "lost") return { type: "release" };
  if (worker.state === "reserving") return { type: "resume-start" };
  if (sighting === "ended") return { type: "lost" };
  return worker.state === "starting" ? whileStarting(worker, moment) : whileAlive(worker, moment);
}

function whileStarting(worker: Worker, { now, limits }: Moment): Overdue {
  const until = (worker.phases.booting ?? worker.createdAt) + limits.bootMs;
  return now >= until ? { type: "boot-timeout" } : { type: "wait", until };
}

function whileAlive(worker: Worker, { now, limits }: Moment): Overdue {
  const since = (at: EpochMs | undefined) => now - (at ?? worker.createdAt);
  const limit = executionEndsAt(worker, limits);
  if (limit !== undefined && now >= limit) return { type: "stop", reason: "execution-timeout" };
  if (worker.drain === undefined && isIdleTooLong(worker, since, limits)) {
    return isIdleProgram(worker) ? { type: "dismiss" } : { type: "drain", reason: "idle" };
  }
  const idle = whileIdle(worker, now);
  if (idle !== undefined) return idle;
  const silent = since(worker.heartbeatAt) >= HEARTBEAT_LOST_MS;
  const again = now + (silent ? SILENT_RECHECK_MS : HEARTBEAT_LOST_MS);
  return { type: "wait", until: limit === undefined ? again : Math.min(again, limit) };
}

/** Can a job still come to its runner? */
function whileIdle(worker: Worker, now: EpochMs): Overdue | undefined {
  if (isMute(worker, now)) {
    return worker.registered ? { type: "check-registration", ifGone: "lost" } : { type: "unready" };
  }
  const checkAt = ghostCheckAt(worker);
  return checkAt !== undefined && checkAt <= now
    ? { type: "check-registration", ifGone: "drain" }
    : undefined;
}

function isIdleTooLong(
  worker: Worker,
  since: (at: EpochMs | undefined) => number,
  limits: EndpointLimits,
): boolean {
  if (hasUnsureJob(worker)) return false;
  if (worker.state === "listening") return since(worker.phases.listening) >= idleLimit(worker, limits);
  return worker.state === "booted" && since(worker.phases.preflight) >= PREPARE_MS;
}
