// One reconcile pass at a time. The lock saves work, it does not guard safety: every effect is a conditional write or may
// be repeated.
import { RECONCILE_LOCK_MS } from "../../../domain/deadlines.ts";
import type { EpochMs } from "../../../domain/ids.ts";
import { isAhead, isOfFuture } from "../../../domain/time-gate.ts";
import type { PassLock } from "../../../domain/upkeep/marks.ts";
import type { MarkStore } from "../../../ports/store.ts";
import type { Deps } from "../../deps.ts";

export type PassTurn = {
  readonly startedAt: EpochMs;
  /** The clock was set back by so much since the pass before; 0: it was not. */
  readonly setBackMs: number;
  /** True in the first pass of each stretch of `ms`: for looks that need not be taken in every pass. */
  isFirstIn(ms: number): boolean;
  /** For the next pass to begin at once. */
  end(): Promise<void>;
};

/** Where the last pass is kept. */
export const LAST_PASS = { kind: "pass-lock", id: "reconcile" } as const;
const { kind: KIND, id: ID } = LAST_PASS;

/** What the process before has left of its time. */
export async function lastPass(marks: Pick<MarkStore, "get">): Promise<PassLock | undefined> {
  return (await marks.get(KIND, ID))?.value;
}

/** The only process stops in order: the next one begins with the machine's time. */
export async function leaveNoTime(marks: MarkStore): Promise<void> {
  const last = await marks.get(KIND, ID);
  if (last === undefined) return;
  await marks.put(KIND, ID, { version: last.version + 1, value: { ...last.value, aheadMs: undefined } });
}
const HOLDER_LENGTH = 10;

/** Undefined when another pass is under way. `breaks`: takes the lock from a process that is known to have ended. */
export async function takeTurn(
  deps: Deps,
  { breaks }: { readonly breaks: boolean },
): Promise<PassTurn | undefined> {
  const { marks } = deps.stores;
  const before = await marks.get(KIND, ID);
  // Behind the store's answer, which tells a function the time.
  const startedAt = deps.clock.now();
  if (!breaks && isHeld(before?.value, startedAt)) return undefined;
  const holder = deps.random.token(HOLDER_LENGTH);
  const version = (before?.version ?? 0) + 1;
  const setBackMs = Math.max(before?.value.setBackMs ?? 0, backMs(before?.value, startedAt));
  const aheadMs = deps.clock.aheadMs?.();
  const lock = { holder, startedAt, until: startedAt + RECONCILE_LOCK_MS, setBackMs, aheadMs };
  if (!(await marks.put(KIND, ID, { version, value: lock }))) return undefined;
  const last = before?.value.startedAt ?? 0;
  return {
    startedAt,
    setBackMs,
    isFirstIn: (ms) => breaks || Math.floor(last / ms) !== Math.floor(startedAt / ms),
    async end() {
      // False: the lock had run out, and the pass that took it is the one before the next.
      const value = { holder, startedAt, until: undefined, setBackMs: 0, aheadMs };
      await marks.put(KIND, ID, { version: version + 1, value });
    },
  };
}

function isHeld(lock: PassLock | undefined, now: EpochMs): boolean {
  return isAhead(lock?.until, RECONCILE_LOCK_MS, now);
}

/** A pass before began at a time that is still to come. */
function backMs(lock: PassLock | undefined, now: EpochMs): number {
  return lock !== undefined && isOfFuture(lock.startedAt, now) ? lock.startedAt - now : 0;
}
