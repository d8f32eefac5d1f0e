// Workers that wait for their image, and start when it is there.
//
// Known to this process only. When that ends, such a worker is gone for the next one, as if its container had died, and
// its job gets another; the engine keeps the layers that it has.
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkerId } from "../../../domain/ids.ts";
import type { Log } from "../../../ports/log.ts";
import type { ContainerState, StartOutcome } from "../../../ports/pool-driver.ts";
import type { Pull } from "./images/pull-image.ts";
import { type Launch, runPulled } from "./prepare-launch.ts";

export type WaitingWorkers = {
  add(workerId: WorkerId, launch: Launch, pull: Pull): void;
  /** Undefined for a worker that does not wait, nor has waited in vain. */
  stateOf(workerId: WorkerId): ContainerState | undefined;
  /** Why it never got a container. */
  failureOf(workerId: WorkerId): string | undefined;
  /** Those too that waited in vain. */
  list(): WorkerId[];
  /** After this no start of the worker is under way, and none follows. */
  cancel(workerId: WorkerId): Promise<void>;
};

type Waiting = { readonly pull: Pull; cancelled: boolean; launching: boolean; failure: string | undefined };

export function createWaitingWorkers({
  pool,
  log,
}: {
  readonly pool: string;
  readonly log: Log;
}): WaitingWorkers {
  const waiting = new Map<WorkerId, Waiting>();

  return {
    add(workerId, launch, pull) {
      const wait: Waiting = { pull, cancelled: false, launching: false, failure: undefined };
      waiting.set(workerId, wait);
      void launchLater(workerId, launch, wait);
    },
    stateOf(workerId) {
      const wait = waiting.get(workerId);
      if (wait === undefined) return undefined;
      return wait.failure === undefined
        ? { type: "running", waits: wait.pull.describe(), waitsFor: "image" }
        : { type: "exited", code: undefined, result: undefined, reason: `was never made: ${wait.failure}` };
    },
    failureOf: (workerId) => waiting.get(workerId)?.failure,
    list: () => [...waiting.keys()],
    async cancel(workerId) {
      const wait = waiting.get(workerId);
      if (wait === undefined) return;
      wait.cancelled = true;
      while (wait.launching) await sleep(10);
      waiting.delete(workerId);
    },
  };

  async function launchLater(workerId: WorkerId, launch: Launch, wait: Waiting): Promise<void> {
    const pulled = await wait.pull.ended;
    if (wait.cancelled) return;
    wait.launching = true;
    const outcome = pulled.type === "pulled" ? await runPulled(launch).catch(failed) : pulled;
    if (outcome.type === "started") {
      waiting.delete(workerId);
    } else {
      wait.failure = outcome.message;
      const { type: reason, message } = outcome;
      log.warn("worker-not-started", { pool, worker: workerId, reason, message });
    }
    wait.launching = false;
  }
}

function failed(error: unknown): Extract<StartOutcome, { type: "unavailable" }> {
  const message = error instanceof Error ? error.message : String(error);
  return { type: "unavailable", message, retryAfterMs: undefined };
}
