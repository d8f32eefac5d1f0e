// One value per sandbox, made at its first use. A failure is not kept: the next event tries again.

/** Callers that come while it is being made share that one attempt. */
export function once<Value>(create: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return function get() {
    made ??= create().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
