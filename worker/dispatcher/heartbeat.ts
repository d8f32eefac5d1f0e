// Pings: every interval, and at once when the phase changes. A ping that fails is a warning, never a reason to stop.
import type { Log } from "../../shared/ports/log.ts";
import type { WorkerClock } from "../clock.ts";
import type { Heartbeat } from "../urls.ts";
import type { RunPodClient } from "./runpod-client.ts";

export type HeartbeatDeps = {
  readonly client: Pick<RunPodClient, "ping">;
  readonly clock: WorkerClock;
  readonly log: Log;
  readonly intervalMs: number;
  readonly onDrain: (reason: string) => void;
};

export type Heartbeats = {
  /** Starts the pings, or changes what they say and sends one now. */
  beat(heartbeat: Heartbeat): void;
  /** After it has resolved no ping is on its way. */
  stop(): Promise<void>;
};

const WARN_EVERY_MS = 60_000;

export function createHeartbeats({ client, clock, log, intervalMs, onDrain }: HeartbeatDeps): Heartbeats {
  const stopping = new AbortController();
  let pause = new AbortController();
  const pending: Heartbeat[] = [];
  let current: Heartbeat | undefined;
  let running: Promise<void> | undefined;
  let warnedAt = Number.NEGATIVE_INFINITY;

  return {
    beat(heartbeat) {
      if (stopping.signal.aborted) return;
      // Each phase is told, also when the next follows while a ping is on its way.
      pending.push(heartbeat);
      pause.abort();
      running ??= loop();
    },
    async stop() {
      stopping.abort();
      pause.abort();
      await running;
    },
  };

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      current = following(pending.shift(), current);
      if (current) await ping(current);
      if (pending.length > 0) continue;
      pause = new AbortController();
      if (!stopping.signal.aborted) await clock.sleep(intervalMs, pause.signal);
    }
  }

  async function ping(heartbeat: Heartbeat): Promise<void> {
    try {
      const { drain } = await client.ping(heartbeat, stopping.signal);
      // Said once is enough: the dispatcher keeps it.
      if (current === heartbeat) current = { ...heartbeat, started: undefined };
      if (drain !== undefined && !stopping.signal.aborted) onDrain(drain);
    } catch (error) {
      if (stopping.signal.aborted || clock.now() - warnedAt < WARN_EVERY_MS) return;
      warnedAt = clock.now();
      log.warn("ping-failed", {
        phase: heartbeat.phase,
        message: "The job goes on without the dispatcher.",
        error,
      });
    }
  }
}

/** What a runner started is told until it was heard, whatever is told besides. */
function following(next: Heartbeat | undefined, current: Heartbeat | undefined): Heartbeat | undefined {
  if (next === undefined) return current;
  return { ...next, started: next.started ?? current?.started };
}
