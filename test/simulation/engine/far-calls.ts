// Calls that leave the house, to GitHub and to pools: they take their time, and may not be answered within their limit.
import { GithubError } from "../../../shared/ports/github.ts";
import type { FaultKind } from "../plan/fault-kinds.ts";
import type { Draw } from "./draw.ts";
import type { Life, Port } from "./port.ts";
import { never } from "./port.ts";
import type { Timeline } from "./timeline.ts";
import type { Weather } from "./weather.ts";

export type FarCalls = {
  callFar(life: Life, port: Port, args: readonly unknown[]): Promise<unknown>;
  /** While the other side is slow: what is else answered at once too. */
  callSlow(life: Life, port: Port, slow: FaultKind, args: readonly unknown[]): Promise<unknown>;
};

export type FarCallsOptions = {
  readonly weather: Weather;
  readonly timeline: Timeline;
  readonly draw: Draw;
  readonly wait: (life: Life, ms: number) => Promise<void>;
  readonly endsAt: (life: Life, moment: "before" | "after", what: string) => boolean;
};

/** Pools and GitHub answer within this time. */
const FAR_MS = 1_500;
/** Their adapters give a call up after this. */
const FAR_LIMIT_MS = 10_000;

export function createFarCalls({ weather, timeline, draw, wait, endsAt }: FarCallsOptions): FarCalls {
  return { callFar, callSlow };

  /** Its effect comes in the middle: others go on before and after it. */
  async function callFar(life: Life, port: Port, args: readonly unknown[]): Promise<unknown> {
    if (port.slow !== undefined && weather.strikes(port.slow, port.name))
      return callSlow(life, port, port.slow, args);
    await wait(life, draw.between(20, FAR_MS));
    if (life.isOver || endsAt(life, "before", port.name)) return never();
    const answer = port.method(...args);
    await wait(life, draw.between(20, FAR_MS));
    return life.isOver || endsAt(life, "after", port.name) ? never() : answer;
  }

  /**
   * What waits when the other side comes to itself is answered at that instant, all of it. What has waited for as long as
   * its adapter does is given up, and may have been heard.
   */
  async function callSlow(
    life: Life,
    port: Port,
    slow: FaultKind,
    args: readonly unknown[],
  ): Promise<unknown> {
    const restMs = (weather.lasts(slow) ?? 0) - timeline.now();
    if (restMs <= FAR_LIMIT_MS) {
      await wait(life, restMs);
      return life.isOver || endsAt(life, "before", port.name) ? never() : port.method(...args);
    }
    const isHeard = weather.drawOf(slow).chance(0.5);
    if (isHeard) timeline.after(FAR_LIMIT_MS / 2, () => attempt(port, args));
    await wait(life, FAR_LIMIT_MS);
    return life.isOver ? never() : silence(port);
  }
}

/** What an adapter makes of it. */
function silence({ slow, name, call }: Port): unknown {
  const message = `${name} was not answered within ${FAR_LIMIT_MS / 1_000} s (injected)`;
  if (slow === "github-slow") throw new GithubError(message, { fault: "unavailable" });
  if (call === "start") return { type: "unavailable", message, retryAfterMs: undefined };
  throw new Error(message);
}

/** Its answer, and its fault, reach nobody. */
function attempt({ method }: Port, args: readonly unknown[]): void {
  try {
    method(...args);
  } catch {
    // The caller has long given up.
  }
}
