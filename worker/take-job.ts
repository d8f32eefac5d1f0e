// Asks the dispatcher for this worker's job until there is one, for a bounded time.
import { backoffMs } from "../shared/domain/backoff.ts";
import type { Log } from "../shared/ports/log.ts";
import type { TakenJob } from "../shared/protocol/worker-plane.ts";
import type { WorkerClock } from "./clock.ts";
import { describeFault } from "./mask.ts";
import type { RunPodClient, TakeAnswer } from "./runpod-client.ts";
import { RETRY, TAKE_LIMIT_MS } from "./time-limits.ts";

export type Retrying = {
  readonly client: RunPodClient;
  readonly clock: WorkerClock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
};

/** Undefined: no job within TAKE_LIMIT_MS, or refused, or aborted; the log says which. */
export async function takeJob(
  { client, clock, random, log }: Retrying,
  signal: AbortSignal,
): Promise<TakenJob | undefined> {
  const until = clock.now() + TAKE_LIMIT_MS;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const answer = await ask(client, signal);
    if (answer.type === "job") return answer.job;
    log.info("take-unanswered", { message: answer.message });
    const waitMs = answer.type === "later" ? (answer.afterMs ?? backoffMs(attempt, random(), RETRY)) : undefined;
    if (waitMs === undefined || clock.now() + waitMs > until) return undefined;
    await clock.sleep(waitMs, signal);
  }
  return undefined;
}

async function ask(client: RunPodClient, signal: AbortSignal): Promise<TakeAnswer> {
  try {
    return await client.take(signal);
  } catch (error) {
    return { type: "later", message: describeFault(error), afterMs: undefined };
  }
}
