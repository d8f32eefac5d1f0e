// So many at once and no more; who waits goes on by rank, and within a rank in the order of coming.

export type Slots = {
  /** Runs `task` when one of the slots of `key` is free; the lower rank first. */
  run<T>(key: string, rank: number, task: () => Promise<T>): Promise<T>;
};

type Waiter = { readonly rank: number; readonly go: () => void };
type Line = { busy: number; readonly waiting: Waiter[] };

export function createSlots(max: number): Slots {
  const lines = new Map<string, Line>();
  return {
    async run(key, rank, task) {
      const line = lines.get(key) ?? { busy: 0, waiting: [] };
      lines.set(key, line);
      if (line.busy < max) line.busy += 1;
      else await new Promise<void>((go) => enqueue(line, { rank, go }));
      try {
        return await task();
      } finally {
        const next = line.waiting.shift();
        // Handed on while busy: nobody who comes just now can take it first.
        if (next) next.go();
        else if (--line.busy === 0) lines.delete(key);
      }
    },
  };
}

function enqueue({ waiting }: Line, waiter: Waiter): void {
  const behind = waiting.findIndex(({ rank }) => rank > waiter.rank);
  waiting.splice(behind === -1 ? waiting.length : behind, 0, waiter);
}
