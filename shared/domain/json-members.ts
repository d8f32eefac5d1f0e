// Members of a JSON text's outermost object, found by its shape: a text too large to be parsed is taken apart without that.
import type { JsonShape, Member, Span } from "./scan-json.ts";
import { scanJson } from "./scan-json.ts";

/** Where the value of this name is; of two the last one's. */
export function memberOf(bytes: Uint8Array, { members }: JsonShape, name: string): Span | undefined {
  return members.findLast(({ key }) => keyText(bytes, key) === name)?.value;
}

/** What the text there says. */
export function parsedAt(bytes: Uint8Array, { from, to }: Span): unknown {
  return JSON.parse(DECODER.decode(bytes.subarray(from, to)));
}

/**
 * `bytes` are JSON. `taken` has the parsed values of `names`, the last one's of two of one name; `rest` is the text without
 * any of them, the same bytes when there is none.
 */
export function cutMembers(
  bytes: Uint8Array,
  names: readonly string[],
): { readonly taken: { readonly [name: string]: unknown }; readonly rest: Uint8Array } {
  const shape = scanJson(bytes, WITHOUT_LIMITS);
  if (shape.type !== "json") throw new TypeError("no JSON to cut members from");
  const taken: { [name: string]: unknown } = {};
  const kept = shape.members.filter(({ key, value }) => {
    const name = keyText(bytes, key);
    if (name === undefined || !names.includes(name)) return true;
    taken[name] = parsedAt(bytes, value);
    return false;
  });
  return { taken, rest: kept.length === shape.members.length ? bytes : objectOf(bytes, kept) };
}

/** It was within its limits when it came; its depth, not below the most that may be configured, only sizes an array. */
const WITHOUT_LIMITS = {
  keys: Number.POSITIVE_INFINITY,
  containers: Number.POSITIVE_INFINITY,
  depth: 10_000,
};
const LONGEST_KEY = 200;
const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();

/** A key as it is meant, without its escapes; undefined for one that is too long to be asked for. */
function keyText(bytes: Uint8Array, key: Span): string | undefined {
  return key.to - key.from > LONGEST_KEY ? undefined : (parsedAt(bytes, key) as string);
}

function objectOf(bytes: Uint8Array, members: readonly Member[]): Uint8Array {
  const pieces = members.map(({ key, value }) => bytes.subarray(key.from, value.to));
  const length = pieces.reduce((sum, piece) => sum + piece.length + 1, 1);
  const text = new Uint8Array(Math.max(length, 2));
  let at = 0;
  for (const piece of pieces) {
    text.set(ENCODER.encode(at === 0 ? "{" : ","), at);
    text.set(piece, at + 1);
    at += piece.length + 1;
  }
  text.set(ENCODER.encode(at === 0 ? "{}" : "}"), at);
  return text;
}
