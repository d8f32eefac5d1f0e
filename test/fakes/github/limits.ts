// GitHub's limits by the stand-in's clock: calls per hour, points per minute and endpoint, registrations per 5 minutes.
import { ApiError } from "./endpoints/api-error.ts";

export type LimitOptions = {
  /** Calls an hour per installation, and for the App itself; 5,000 at GitHub. */
  readonly callsPerHour: number;
  /** Per endpoint and caller: GET 1, others 5; 900 at GitHub. */
  readonly pointsPerMinute: number;
  /** Runners per owner; 1,500 at GitHub. */
  readonly registrationsPer5Min: number;
};

export type Limits = {
  /** Counts one call. @returns the x-ratelimit headers. @throws ApiError 403 when a limit is reached. */
  count(caller: string, call: { readonly endpoint: string; readonly method: string }): Record<string, string>;
  /** @throws ApiError 403 */
  countRegistration(ownerId: number): void;
  state(caller: string): {
    readonly limit: number;
    readonly used: number;
    readonly remaining: number;
    readonly reset: number;
  };
};

type Window = { readonly startedAt: number; used: number };

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const FIVE_MINUTES_MS = 300_000;

export function createLimits(options: LimitOptions, now: () => number): Limits {
  const windows = new Map<string, Window>();

  function windowOf(key: string, lengthMs: number): Window {
    const known = windows.get(key);
    if (known !== undefined && now() - known.startedAt < lengthMs) return known;
    const fresh = { startedAt: now(), used: 0 };
    windows.set(key, fresh);
    return fresh;
  }

  function state(caller: string) {
    const hour = windowOf(`hour ${caller}`, HOUR_MS);
    const remaining = Math.max(0, options.callsPerHour - hour.used);
    const reset = Math.ceil((hour.startedAt + HOUR_MS) / 1_000);
    return { limit: options.callsPerHour, used: hour.used, remaining, reset };
  }

  function refuseSecondary(window: Window, lengthMs: number): never {
    const retryAfter = Math.max(1, Math.ceil((window.startedAt + lengthMs - now()) / 1_000));
    throw new ApiError(
      403,
      "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
      { headers: { "retry-after": String(retryAfter) } },
    );
  }

  return {
    state,
    count(caller, { endpoint, method }) {
      const minute = windowOf(`minute ${caller} ${endpoint}`, MINUTE_MS);
      const points = method === "GET" ? 1 : 5;
      if (minute.used + points > options.pointsPerMinute) refuseSecondary(minute, MINUTE_MS);
      const hour = windowOf(`hour ${caller}`, HOUR_MS);
      if (hour.used >= options.callsPerHour)
        throw new ApiError(403, `API rate limit exceeded for ${caller}.`, {
          headers: headersOf(state(caller)),
        });
      minute.used += points;
      hour.used += 1;
      return headersOf(state(caller));
    },
    countRegistration(ownerId) {
      const window = windowOf(`registrations ${ownerId}`, FIVE_MINUTES_MS);
      if (window.used >= options.registrationsPer5Min) refuseSecondary(window, FIVE_MINUTES_MS);
      window.used += 1;
    },
  };
}

function headersOf(state: ReturnType<Limits["state"]>): Record<string, string> {
  return {
    "x-ratelimit-limit": String(state.limit),
    "x-ratelimit-used": String(state.used),
    "x-ratelimit-remaining": String(state.remaining),
    "x-ratelimit-reset": String(state.reset),
    "x-ratelimit-resource": "core",
  };
}
