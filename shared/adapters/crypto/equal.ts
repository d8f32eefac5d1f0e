// Compares secrets in a time that tells nothing about them.
import { createHash, timingSafeEqual } from "node:crypto";

/** True when both are the same. Hashed first: timingSafeEqual wants equal lengths, and lengths must not leak either. */
export function equalSecrets(one: string | Uint8Array, other: string | Uint8Array): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(secret: string | Uint8Array): Buffer {
  return createHash("sha256").update(secret).digest();
}
