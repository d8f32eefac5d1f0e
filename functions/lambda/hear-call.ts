// When API Gateway took a call in, by its clock: before anything of the call is read, its function knows the time.
import type { HeardClock } from "../../shared/adapters/system/heard-clock.ts";

/** HTTP API, payload 2.0: `requestContext.timeEpoch`, in ms. It gives a call up after 30 s. */
const LONGEST_MS = 30_000;

export function hearCall(clock: HeardClock, context: object | undefined): void {
  const { timeEpoch } = (context ?? {}) as { readonly timeEpoch?: unknown };
  if (typeof timeEpoch === "number") clock.hear(timeEpoch, LONGEST_MS);
}
