// Hears of an engine at once when a worker's container has ended: one connection, which stays. What it misses is found by
// the next look, so that it may be away.
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import type { WorkerId } from "../../../domain/ids.ts";
import type { Log } from "../../../ports/log.ts";
import type { Engine } from "./engine/engine.ts";
import { EngineFault } from "./engine/engine-fault.ts";
import { jsonLines } from "./engine/json-lines.ts";
import { isBuilder, isOwn, type Owner, ownFilter, workerIn } from "./labels.ts";

export type WatchDeps = {
  readonly engine: Engine;
  readonly owner: Owner;
  readonly log: Log;
  /** Between two connections, ms; doubled as long as they fail. */
  readonly pauseMs?: number | undefined;
};

/** An engine that restarts is back within a few seconds. */
const PAUSE_MS = 1_000;
const PAUSES_MAX = 60;
/** One that has lasted so long was no failure. */
const STEADY_PAUSES = 10;
/** Nobody tells of a connection that a firewall has forgotten: it is made anew. */
const QUIET_MS = 600_000;

/** The action is a part of the event's name in Docker and Podman alike; Podman 4.3 tells none where `event` is filtered. */
const event = z.object({
  Action: z.enum(["die", "died"]),
  Actor: z.object({ Attributes: z.record(z.string(), z.string()) }),
});

/** `onEnd` never throws. */
export function watchEnds(
  { engine, owner, log, pauseMs = PAUSE_MS }: WatchDeps,
  onEnd: (workerId: WorkerId) => void,
): { stop(): void } {
  const stopping = new AbortController();
  const { signal } = stopping;
  let told = false;
  void listen();
  return { stop: () => stopping.abort() };

  async function listen(): Promise<void> {
    let pauses = 1;
    while (!signal.aborted) {
      const since = performance.now();
      await hear();
      const isSteady = performance.now() - since >= STEADY_PAUSES * pauseMs;
      pauses = isSteady ? 1 : pauses;
      await sleep(pauses * pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      pauses = Math.min(2 * pauses, PAUSES_MAX);
    }
  }

  /** Until the connection ends, whoever ends it. */
  async function hear(): Promise<void> {
    const filters = JSON.stringify({ type: ["container"], ...ownFilter(owner) });
    const call = { method: "GET", path: "/events", query: { filters }, signal } as const;
    try {
      const { status, chunks } = await engine.stream(call, QUIET_MS);
      for await (const line of jsonLines(chunks)) if (status === 200) take(line);
      if (status !== 200) tellOnce(`the engine answered ${status}`);
    } catch (error) {
      // Who looks next says that it is away.
      if (!(error instanceof EngineFault)) log.error("events-not-heard", { pool: owner.pool, error });
    }
  }

  function take(line: unknown): void {
    const parsed = event.safeParse(line);
    if (!parsed.success || signal.aborted) return;
    const labels = parsed.data.Actor.Attributes;
    // Podman 4.3 takes one of several labels for enough.
    const isWorker = isOwn(labels, owner) && !isBuilder(labels);
    const workerId = isWorker ? workerIn(labels) : undefined;
    if (workerId !== undefined) onEnd(workerId);
  }

  /** A proxy before the engine, say, that lets no events through. */
  function tellOnce(why: string): void {
    if (!told) log.info("events-not-heard", { pool: owner.pool, message: why });
    told = true;
  }
}
