// Which of a repository's open workflow runs are looked into now, when they are too many for one look.

/** Runs looked into at once, one call each: 100 calls of some 200 ms take 4 s in groups of five. */
const MAX_RUNS = 100;

export type RunsToRead = {
  readonly runs: readonly number[];
  /** The look after this one goes on behind this run; undefined: this one sees all. */
  readonly next: number | undefined;
};

/**
 * In the order of their ids, which is that of their age, beginning behind `after`, and round again: of n open runs each is
 * looked into once in n/100 looks, whether others come and go meanwhile or not.
 */
export function runsToRead(open: Iterable<number>, after = 0): RunsToRead {
  const byAge = [...new Set(open)].sort((a, b) => a - b);
  if (byAge.length <= MAX_RUNS) return { runs: byAge, next: undefined };
  const behind = byAge.filter((id) => id > after);
  const runs = [...behind, ...byAge.filter((id) => id <= after)].slice(0, MAX_RUNS);
  return { runs, next: runs.at(-1) };
}
