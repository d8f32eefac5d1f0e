// What the worker waits for beyond the product's deadlines, each with the reason for its number.
import { FINISHED_GRACE_MS, STOP_GRACE_MS } from "../shared/domain/deadlines.ts";

/**
 * Interrupt to KILL of the runner: the pool kills the worker STOP_GRACE_MS after its TERM, and the report comes in
 * between.
 */
export const RUNNER_GRACE_MS = STOP_GRACE_MS - FINISHED_GRACE_MS;
/** A runner whose hook has refused its job interrupts that hook for at most 10 s, then tells GitHub that the job failed. */
export const REFUSED_MS = 20_000;
/**
 * After `completed with result` an ephemeral runner deletes its session and ends within seconds; a hung one would hold
 * the cards.
 */
export const LINGER_MS = 60_000;
/** From the first job-take to a job; a pool's start is not more than a minute ahead of the dispatcher's record of it. */
export const TAKE_LIMIT_MS = 5 * 60_000;
/** Registration is asked for this long: shorter than PREPARE_MS, so that the refusal is reported and not guessed. */
export const REGISTER_LIMIT_MS = 2 * 60_000;
/** config.sh takes 3 to 5 s; GitHub's own retries inside it stay below a minute. */
export const CONFIGURE_MS = 60_000;
/** Taking back an own registration, token and config.sh together; afterwards GitHub removes it within a day. */
export const DEREGISTER_MS = 20_000;
/** Between tries of take, registration and report. */
export const RETRY = { minMs: 500, maxMs: 15_000 };
