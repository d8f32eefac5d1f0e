// One read told to all who asked for it at about the same time.

type Entry<Answer> = { readonly current: Promise<Answer>; next: Promise<Answer> | undefined };

/** What is answered was read after the question: whoever asks while one is under way shares the next one of that key. */
export function shareReads<Answer>(read: (key: string) => Promise<Answer>): (key: string) => Promise<Answer> {
  const entries = new Map<string, Entry<Answer>>();

  return function ask(key) {
    const entry = entries.get(key);
    if (entry === undefined) return begin(key);
    const again = () => begin(key);
    entry.next ??= entry.current.then(again, again);
    return entry.next;
  };

  function begin(key: string): Promise<Answer> {
    const entry: Entry<Answer> = { current: read(key), next: undefined };
    entries.set(key, entry);
    const done = () => {
      if (entry.next === undefined) entries.delete(key);
    };
    entry.current.then(done, done);
    return entry.current;
  }
}
