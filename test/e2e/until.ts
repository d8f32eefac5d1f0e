/** Waits for a value that is not undefined, null or false; real processes have no virtual clock. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { limitMs = 30_000, detail = () => "" }: { limitMs?: number; detail?: () => string } = {},
): Promise<NonNullable<T>> {
  const limit = Date.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > limit) throw new Error(`waited ${limitMs} ms for ${what}. ${detail()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
