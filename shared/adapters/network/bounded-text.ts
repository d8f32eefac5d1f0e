// The text of an answer, up to a length: whoever answers does not decide how much memory that takes.

type Answer = {
  readonly body: AsyncIterable<Uint8Array> | null;
};

/** Throws when it is longer than `maxBytes`; the rest of it is not read. */
export async function boundedText({ body }: Answer, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // Leaving the loop gives the connection up.
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
