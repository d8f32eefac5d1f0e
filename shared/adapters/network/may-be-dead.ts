// When a connection that was kept may have died without a word. One rule for every client that keeps connections.
import type { EpochMs } from "../../domain/ids.ts";

/**
 * A function that is frozen between two events hears nothing: not that the other side closed, not its own timers. What it
 * kept is then reset at the next use, or silently dropped (aws/aws-sdk-js-v3#1196, #3905). Servers close what was idle for
 * 5 s (Node) to minutes (a NAT gateway: 350 s, #3624); a new connection costs some 10 ms.
 */
const IDLE_MS = 5_000;

/**
 * By the wall clock, which a freeze does not stop; one that was set back says nothing, so the connection is not trusted.
 */
export function mayBeDead(lastUsedAt: EpochMs, now: EpochMs): boolean {
  return now < lastUsedAt || now - lastUsedAt > IDLE_MS;
}
