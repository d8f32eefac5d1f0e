/** Secrets at rest: AES-256-GCM under a key derived from DISPATCH_SECRET, bound to what they belong to, with a key id. */
export type Seal = {
  /** `item`: the id of the item that will hold it; opening it under another fails. */
  seal(item: string, secret: string): string;
  /** undefined when it was sealed for another item, with a key that is gone, or tampered with. */
  open(item: string, sealed: string): string | undefined;
};
