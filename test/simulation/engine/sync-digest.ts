// The product's only wait that is not on the timeline: SHA-256 comes from a thread pool. Here it is answered at once.
import { createHash } from "node:crypto";

/** Until the answer is called. Runs must not end in another order than they began. */
export function digestAtOnce(): () => void {
  const { subtle } = globalThis.crypto;
  Object.defineProperty(subtle, "digest", { configurable: true, value: sha256 });
  return () => Reflect.deleteProperty(subtle, "digest");
}

async function sha256(_name: string, data: Uint8Array): Promise<ArrayBuffer> {
  const digest = createHash("sha256").update(data).digest();
  return new Uint8Array(digest).buffer;
}
