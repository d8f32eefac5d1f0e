// Why a job without a worker has none: the first obstacle that dispatch meets.

import type { PausedPlace } from "../admission/pauses.ts";
import { ADMIT_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Obstacle, PoolView, TenantView, WaitCode, WaitView, WhyWaiting } from "./wait-view.ts";
import { MAX_AHEAD } from "./wait-view.ts";
import { cards, tooLarge } from "./why-too-large.ts";

export function whyQueued(view: WaitView): WhyWaiting {
  const { job, tenant, pool } = view;
  const why = (code: WaitCode, message: string, more: Partial<WhyWaiting> = {}): WhyWaiting => ({
    code,
    message,
    since: job.queuedAt,
    ...more,
  });
  if (view.limits === undefined) {
    return why(
      "endpoint-removed",
      `No endpoint "${job.endpoint}" is in dispatch.yaml any more. Put it back, or cancel the job.`,
    );
  }
  const stopped = tenant === undefined ? undefined : whyStopped(tenant);
  if (stopped !== undefined) return why(stopped.code, stopped.message);
  if (pool === undefined) {
    return why(
      "pool-removed",
      `No pool "${job.pool}" is in use. Put it back into dispatch.yaml, or cancel the job.`,
    );
  }
  const obstacle = obstacleIn(view, pool) ?? turnOf(view, pool);
  const since = obstacle.since === undefined ? {} : { since: obstacle.since };
  const more = { ...lineOf(view, pool), ...untilOf(obstacle.until), ...since };
  if (view.waitMs === undefined || !IN_LINE.has(obstacle.code))
    return why(obstacle.code, obstacle.message, more);
  const message = `${obstacle.message} At the pace of late it starts in about ${inWords(view.waitMs)}.`;
  return why(obstacle.code, message, { ...more, expectedAt: view.now + view.waitMs });
}

/** These end when others have given back what they hold. */
const IN_LINE: ReadonlySet<WaitCode> = new Set([
  "quota-reached",
  "workers-limit",
  "no-free-cards",
  "not-its-turn",
]);

function whyStopped({ login, state }: TenantView): Obstacle | undefined {
  switch (state) {
    case "approved":
      return undefined;
    case "pending":
      return {
        code: "tenant-pending",
        message: `"${login}" is not approved yet. The operator adds it under tenants: in dispatch.yaml.`,
      };
    case "suspended":
      return {
        code: "tenant-suspended",
        message: `The GitHub App is suspended for "${login}". One of its owners lifts that in the settings of the installation.`,
      };
    case "removed":
      return {
        code: "tenant-removed",
        message: `"${login}" has uninstalled the GitHub App. Install it again, or cancel the job.`,
      };
  }
}

/** What no turn in the line would help against. */
function obstacleIn(view: WaitView, pool: PoolView): Obstacle | undefined {
  const { job, tenant } = view;
  if (view.paused !== undefined) return whyPaused(view.paused, tenant);
  // Not counted yet, since it is away.
  if (pool.total === 0 && pool.unavailableUntil !== undefined) return whyAway(pool);
  const { usable, machines } = pool;
  if (job.cards > Math.min(usable, machines?.largest ?? usable)) return tooLarge(job.cards, pool);
  const quota = tenant === undefined ? undefined : quotaOf(tenant, pool, job.cards);
  return quota ?? limitOf(view, pool);
}

function whyPaused({ place, pause }: PausedPlace, tenant: TenantView | undefined): Obstacle {
  const { kind } = place;
  const name = kind === "tenant" ? (tenant?.login ?? place.name) : place.name;
  const noun = { pool: "Pool ", tenant: "", endpoint: "Endpoint " }[kind];
  const what = pause.mode === "drain" ? "is being drained" : "is paused";
  return {
    code: `${kind}-paused`,
    message: `${noun}"${name}" ${what} by the operator: ${pause.reason}. It starts after the operator has resumed it.`,
  };
}

function whyAway({ name, unavailableUntil, unavailableSince, unavailableWhy }: PoolView): Obstacle {
  const since = unavailableSince === undefined ? "" : ` (since ${unavailableSince.iso})`;
  const why = unavailableWhy ?? "it did not say why";
  return {
    code: "pool-unavailable",
    message: `Pool "${name}" takes no work at the moment${since}: ${why}. It is asked again soon.`,
    until: unavailableUntil,
    since: unavailableSince?.at,
  };
}

function limitOf({ now, github }: WaitView, pool: PoolView): Obstacle | undefined {
  if (pool.unavailableSince !== undefined || (pool.unavailableUntil ?? 0) > now) return whyAway(pool);
  if (github !== undefined && github.left <= 0) {
    return {
      code: "github-limit",
      message:
        "GitHub's limit for this owner is used up, and a worker could not register. It starts when that is over.",
      until: github.until,
    };
  }
  if (pool.maxWorkers === undefined || pool.workers < pool.maxWorkers) return undefined;
  return {
    code: "workers-limit",
    message: `Pool "${pool.name}" runs ${pool.workers} workers, as many as it may. It starts when one has ended.`,
  };
}

function quotaOf(
  { login, maxCards, maxWorkers }: TenantView,
  pool: PoolView,
  needed: number,
): Obstacle | undefined {
  const { ofTenant } = pool;
  const isCards = maxCards !== undefined && ofTenant.cards + needed > maxCards;
  const isWorkers = maxWorkers !== undefined && ofTenant.workers >= maxWorkers;
  if (!isCards && !isWorkers) return undefined;
  if (isCards && needed > maxCards) {
    return {
      code: "larger-than-quota",
      message: `It asks for ${cards(needed)}; "${login}" may hold ${maxCards} of pool "${pool.name}". Ask for fewer, or have the quota raised.`,
    };
  }
  const held = isCards ? `${ofTenant.cards} of its ${cards(maxCards)}` : `${ofTenant.workers} of its workers`;
  return {
    code: "quota-reached",
    message: `"${login}" holds ${held} in pool "${pool.name}", as many as it may. It starts when one of its other jobs has ended.`,
  };
}

/** Nothing is wrong: others are before it, or it is next. */
function turnOf({ job, now, ahead = 0 }: WaitView, pool: PoolView): Obstacle {
  const before = ahead > MAX_AHEAD ? `more than ${MAX_AHEAD}` : String(ahead);
  const line =
    ahead === 0
      ? "It is the next of its tenant."
      : `${before} of its tenant's jobs ${ahead === 1 ? "is" : "are"} before it.`;
  if (job.cards > pool.free) {
    return {
      code: "no-free-cards",
      message: `It needs ${cards(job.cards)}; ${pool.free} of ${pool.total} in pool "${pool.name}" are free. ${line}`,
    };
  }
  if (ahead > 0) return { code: "not-its-turn", message: `Cards are free, but not for it: ${line}` };
  if (now - (job.phases.queued ?? job.queuedAt) >= SOON_MS)
    return { code: "not-its-turn", message: SET_ASIDE };
  return { code: "about-to-start", message: "Cards are free and it is next: it starts within a minute." };
}

/** A pass of the reconciler later at the latest dispatch has looked at it. */
const SOON_MS = 2 * ADMIT_MS;
const SET_ASIDE =
  "Enough cards are free in all, but not together on one machine, or they are set aside for a larger job that waits longer.";

function lineOf({ job, ahead = 0 }: WaitView, pool: PoolView): Partial<WhyWaiting> {
  return {
    ahead: Math.min(ahead, MAX_AHEAD),
    ...(ahead > MAX_AHEAD ? {} : { place: ahead + 1 }),
    ...(pool.counted ? { cards: { needed: job.cards, free: pool.free, total: pool.total } } : {}),
  };
}

function untilOf(until: EpochMs | undefined): Partial<WhyWaiting> {
  return until === undefined ? {} : { until };
}

const MINUTE_MS = 60_000;

function inWords(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / MINUTE_MS));
  if (minutes < 120) return minutes === 1 ? "1 minute" : `${minutes} minutes`;
  return `${Math.round(minutes / 60)} hours`;
}
