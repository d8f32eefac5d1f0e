// How long JSON becomes as a part of an answer of a Lambda, which is JSON with the body as one text in it.

/** Bytes of UTF-8: each quote and each backslash takes one more there. */
export function bytesInAnswer(json: string): number {
  return new TextEncoder().encode(JSON.stringify(json)).length;
}
