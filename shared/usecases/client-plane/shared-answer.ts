// One answer per endpoint for all who ask within some seconds: what costs a listing is not made for each of them.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import type { EndpointName, EpochMs } from "../../domain/ids.ts";
import { isOver } from "../../domain/time-gate.ts";
import type { Clock } from "../../ports/clock.ts";

/** For what limits may lag behind. */
const KEPT_FOR_MS = 5_000;

/** One per process and question. An answer is `keptForMs` old at most; those who ask while it is made wait for it. */
export function shareAnswer<Answer>(
  clock: Clock,
  ask: (endpoint: Endpoint) => Promise<Answer>,
  keptForMs = KEPT_FOR_MS,
): (endpoint: Endpoint) => Promise<Answer> {
  const answers = new Map<EndpointName, { readonly at: EpochMs; readonly answer: Promise<Answer> }>();
  return async function answerOnce(endpoint) {
    const { name } = endpoint;
    const now = clock.now();
    const known = answers.get(name);
    if (known !== undefined && !isOver(known.at, keptForMs, now)) return known.answer;
    const answer = ask(endpoint);
    answers.set(name, { at: now, answer });
    // A failed one is nobody's answer but theirs who wait for it.
    answer.catch(() => answers.delete(name));
    return answer;
  };
}
