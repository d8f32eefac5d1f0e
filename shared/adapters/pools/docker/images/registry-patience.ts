// When a registry's no is believed. A name server that is just starting says "no such host", a token server in trouble 403,
// a registry "manifest unknown" while the image is being pushed: each is an hour's work lost if it is taken for good.
import type { Clock } from "../../../../ports/clock.ts";

export type Patience = {
  /** Counts one more no for the image: true when it has been said often enough, for long enough. */
  isOver(image: string): boolean;
  /** It was pulled. */
  forget(image: string): void;
};

const ANSWERS = 3;
const FOR_MS = 60_000;
/** An older no is of another trouble. */
const SAME_TROUBLE_MS = 15 * 60_000;
/** Names come from jobs too. */
const MOST_IMAGES = 1_000;

type Streak = { readonly count: number; readonly since: number; readonly lastAt: number };

export function createPatience(clock: Clock): Patience {
  const streaks = new Map<string, Streak>();
  return {
    isOver(image) {
      const now = clock.now();
      const known = streaks.get(image);
      const goesOn = known !== undefined && now - known.lastAt <= SAME_TROUBLE_MS;
      const next = { count: (goesOn ? known.count : 0) + 1, since: goesOn ? known.since : now, lastAt: now };
      streaks.delete(image);
      streaks.set(image, next);
      const [oldest] = streaks.keys();
      if (streaks.size > MOST_IMAGES && oldest !== undefined) streaks.delete(oldest);
      return next.count >= ANSWERS && now - next.since >= FOR_MS;
    },
    forget: (image) => void streaks.delete(image),
  };
}
