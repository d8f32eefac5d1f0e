// JSON that an API job carries: in the job's own item when small, else in part items that the job names.

export type Payload =
  | { readonly type: "inline"; readonly json: string }
  /** `key` and a number from 0 to `count` - 1 name the parts; they are written before the item that names them. */
  | { readonly type: "parts"; readonly key: string; readonly count: number; readonly bytes: number };

/** Up to this many bytes of JSON stay in the job's item: with input, output and progress it keeps well below 300 kB. */
export const INLINE_BYTES = 32_000;

export const inlinePayload = (json: string): Payload => ({ type: "inline", json });
