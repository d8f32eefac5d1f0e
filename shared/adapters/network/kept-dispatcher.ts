// undici's client with connections that are kept, but none that may have died in a freeze. See may-be-dead.ts.
import type { Dispatcher } from "undici";
import type { EpochMs } from "../../domain/ids.ts";
import { mayBeDead } from "./may-be-dead.ts";

export type KeptDispatcher = {
  /** `send` resolves with the head of an answer; its body may still be read. */
  run<T>(send: (dispatcher: Dispatcher) => Promise<T>): Promise<T>;
  /** Over a connection of its own: for what must not be sent twice, so that none that is dead already can fail it. */
  runAlone<T>(send: (dispatcher: Dispatcher) => Promise<T>): Promise<T>;
};

type Kept = { readonly dispatcher: Dispatcher; sending: number };

/**
 * undici does not let us choose among its connections, so all of them are replaced at once: after a pause, and after a
 * failure, which others of the same age would only repeat. What is still being sent over the old ones goes on.
 */
export function createKeptDispatcher(
  create: () => Dispatcher,
  now: () => EpochMs = Date.now,
): KeptDispatcher {
  let kept: Kept | undefined;
  let usedAt = 0;

  function current(): Kept {
    if (kept !== undefined && mayBeDead(usedAt, now())) retire(kept);
    kept ??= { dispatcher: create(), sending: 0 };
    return kept;
  }

  function retire(one: Kept): void {
    if (kept === one) kept = undefined;
    closeUnused(one);
  }

  function closeUnused(one: Kept): void {
    if (kept !== one && one.sending === 0) void one.dispatcher.close();
  }

  return {
    async run(send) {
      const one = current();
      one.sending += 1;
      try {
        return await send(one.dispatcher);
      } catch (error) {
        if (kept === one) kept = undefined;
        throw error;
      } finally {
        one.sending -= 1;
        usedAt = now();
        closeUnused(one);
      }
    },
    async runAlone(send) {
      const dispatcher = create();
      try {
        return await send(dispatcher);
      } finally {
        // Once the body has been read.
        void dispatcher.close();
      }
    },
  };
}
