// RunPod's rate limits, per endpoint and tenant: requests in any 10 s, and requests at once.
import type { Clock } from "../../shared/ports/clock.ts";

/** What is limited together: `/status-sync` counts as `/status`, `/retry` as `/run`, `/health` as `/status`. */
export type LimitedOperation =
  | "run"
  | "runsync"
  | "status"
  | "stream"
  | "cancel"
  | "purge-queue"
  | "requests";

type Admission =
  | { readonly type: "admitted"; readonly release: () => void }
  | { readonly type: "limited"; readonly retryAfterMs: number; readonly message: string };

export type RateLimiter = {
  /** `workers`: that the endpoint has running, 0 unless given. Call `release` once when the answer is made. */
  admit(tenant: string, endpoint: string, operation: LimitedOperation, workers?: number): Admission;
};

/** Requests per 10 s and at once: RunPod's base rates (docs.runpod.io/serverless/endpoints/send-requests). */
const LIMITS: { readonly [operation in LimitedOperation]: Limit } = {
  run: { requests: 1_000, atOnce: 200 },
  runsync: { requests: 2_000, atOnce: 400 },
  status: { requests: 2_000, atOnce: 400 },
  stream: { requests: 2_000, atOnce: 400 },
  cancel: { requests: 100, atOnce: 20 },
  "purge-queue": { requests: 2, atOnce: 2 },
  requests: { requests: 10, atOnce: 2 },
};

/**
 * RunPod's limit is the larger of the base and running workers × requests per worker. It has published one number for the
 * latter, 50 where the base is 2,000: the others here are in the same proportion. Requests at once do not grow.
 */
const WORKERS_OF_BASE = 40;

type Limit = { readonly requests: number; readonly atOnce: number };
type Slot = { readonly second: number; count: number };
type Usage = { readonly slots: Slot[]; running: number };

const MS_PER_SECOND = 1_000;
const WINDOW_SECONDS = 10;
const BUSY_RETRY_MS = 1_000;
/** At about 200 bytes each. Above it those in which nothing counts any more are dropped. */
const MANY_USAGES = 10_000;

/**
 * Counts in this process only: on Lambda each sandbox has its own window, so the limit there is per sandbox. Seconds
 * are counted whole, so that no 10 s ever admit more than the limit, and a full window opens at most 1 s late.
 */
export function createRateLimiter(clock: Clock): RateLimiter {
  const usages = new Map<string, Usage>();
  return {
    admit(tenant, endpoint, operation, workers = 0) {
      const limit = LIMITS[operation];
      const requests = Math.max(limit.requests, Math.floor((workers * limit.requests) / WORKERS_OF_BASE));
      const now = clock.now();
      const usage = usageOf(usages, `${tenant} ${endpoint} ${operation}`, now);
      dropOld(usage.slots, now);
      if (usage.running >= limit.atOnce) {
        const message = `at most ${limit.atOnce} ${operation} requests at once`;
        return { type: "limited", retryAfterMs: BUSY_RETRY_MS, message };
      }
      if (usage.slots.reduce((sum, { count }) => sum + count, 0) >= requests) {
        const message = `at most ${requests} ${operation} requests in ${WINDOW_SECONDS} s`;
        return { type: "limited", retryAfterMs: opensInMs(usage.slots, now), message };
      }
      countOne(usage.slots, now);
      return { type: "admitted", release: hold(usage) };
    },
  };
}

/** The map stays ordered by last use. */
function usageOf(usages: Map<string, Usage>, key: string, now: number): Usage {
  const usage = usages.get(key) ?? { slots: [], running: 0 };
  usages.delete(key);
  if (usages.size >= MANY_USAGES) dropIdle(usages, now);
  usages.set(key, usage);
  return usage;
}

/**
 * From the one unused for longest to the first whose window is not empty: behind it all count. Those stay, however many
 * they are: tenants, endpoints and operations are the bound.
 */
function dropIdle(usages: Map<string, Usage>, now: number): void {
  for (const [key, { slots, running }] of usages) {
    if (isWithin(slots.at(-1), now)) return;
    if (running === 0) usages.delete(key);
  }
}

function hold(usage: Usage): () => void {
  usage.running += 1;
  let held = true;
  return function release() {
    if (held) usage.running -= 1;
    held = false;
  };
}

function dropOld(slots: Slot[], now: number): void {
  while (slots[0] !== undefined && !isWithin(slots[0], now)) slots.shift();
}

/** A second is gone when its last millisecond lies 10 s back. */
function isWithin(slot: Slot | undefined, now: number): boolean {
  return slot !== undefined && slot.second >= Math.floor(now / MS_PER_SECOND) - WINDOW_SECONDS;
}

function countOne(slots: Slot[], now: number): void {
  const second = Math.floor(now / MS_PER_SECOND);
  const last = slots.at(-1);
  if (last?.second === second) last.count += 1;
  else slots.push({ second, count: 1 });
}

function opensInMs(slots: readonly Slot[], now: number): number {
  const oldest = slots[0]?.second ?? 0;
  return Math.max(1, (oldest + WINDOW_SECONDS + 1) * MS_PER_SECOND - now);
}
