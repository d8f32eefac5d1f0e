// A question to the dispatcher or to GitHub, asked again while the answer is "later", within a time.
import { backoffMs } from "../../shared/domain/backoff.ts";
import type { WorkerClock } from "../clock.ts";
import { describeFault } from "../describe-fault.ts";
import { RETRY } from "../time-limits.ts";

export type Refused = { readonly type: "refused"; readonly message: string };
/** `afterMs` undefined: our own back-off. */
export type Later = {
  readonly type: "later";
  readonly message: string;
  readonly afterMs: number | undefined;
};
export type Refusal = Refused | Later;

export type Asking = {
  readonly clock: WorkerClock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** Before each wait. */
  readonly onLater: (message: string, waitMs: number) => void;
};

/**
 * The first answer that is not "later", or the last one as a refusal when the time is over. No answer at all is "later"
 * too.
 */
export async function askUntil<T extends { readonly type: string }>(
  { clock, random, limitMs, signal, onLater }: Asking,
  ask: () => Promise<T | Later>,
): Promise<T | Refused> {
  const until = clock.now() + limitMs;
  for (let attempt = 0; ; attempt += 1) {
    const answer = await orLater(ask);
    if (!isLater(answer)) return answer;
    const waitMs = answer.afterMs ?? backoffMs(attempt, random(), RETRY);
    const refused = { type: "refused" as const, message: answer.message };
    if (signal.aborted || clock.now() + waitMs > until) return refused;
    onLater(answer.message, waitMs);
    await clock.sleep(waitMs, signal);
    if (signal.aborted) return refused;
  }
}

async function orLater<T>(ask: () => Promise<T | Later>): Promise<T | Later> {
  try {
    return await ask();
  } catch (error) {
    return { type: "later", message: describeFault(error), afterMs: undefined };
  }
}

function isLater(answer: { readonly type: string }): answer is Later {
  return answer.type === "later";
}
