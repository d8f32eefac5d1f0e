// One after the other, whatever becomes of each.

/** A fault does not keep the rest from being done; it fails the whole afterwards. */
export async function each<Item>(
  items: Iterable<Item>,
  act: (item: Item) => Promise<unknown>,
): Promise<void> {
  const faults: unknown[] = [];
  let count = 0;
  for (const item of items) {
    count++;
    await act(item).catch((fault: unknown) => faults.push(fault));
  }
  if (faults.length > 0) throw new AggregateError(faults, `${faults.length} of ${count} failed`);
}
