// One reconcile pass at a time. The lease saves work, it does not guard safety: every effect is a conditional write or may
// be repeated.
import { RECONCILE_LOCK_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Deps } from "../deps.ts";

export type PassTurn = {
  readonly startedAt: EpochMs;
  /** True in the first pass of each stretch of `ms`: for looks that need not be taken in every pass. */
  isFirstIn(ms: number): boolean;
  /** For the next pass to begin at once. */
  end(): Promise<void>;
};

const KIND = "pass-lock";
const ID = "reconcile";
const HOLDER_LENGTH = 10;

/** Undefined when another pass is under way. `breaks`: takes the lease from a process that is known to have ended. */
export async function takeTurn(
  deps: Deps,
  { breaks }: { readonly breaks: boolean },
): Promise<PassTurn | undefined> {
  const { marks } = deps.stores;
  const startedAt = deps.clock.now();
  const before = await marks.get(KIND, ID);
  const until = before?.value.until ?? 0;
  if (until > startedAt && !breaks) return undefined;
  const holder = deps.random.token(HOLDER_LENGTH);
  const version = (before?.version ?? 0) + 1;
  const lease = { version, value: { holder, until: startedAt + RECONCILE_LOCK_MS } };
  if (!(await marks.put(KIND, ID, lease))) return undefined;
  return {
    startedAt,
    // A lease that was ended ends with the time of its pass; one that was not tells nothing of that.
    isFirstIn: (ms) => breaks || Math.floor(until / ms) < Math.floor(startedAt / ms),
    async end() {
      // False: the lease had run out, and the pass that took it is the one before the next.
      await marks.put(KIND, ID, { version: version + 1, value: { holder, until: startedAt } });
    },
  };
}
