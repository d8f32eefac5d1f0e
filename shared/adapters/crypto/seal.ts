// Secrets at rest: AES-256-GCM under a key derived from DISPATCH_SECRET, bound to what they belong to, with a key id.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import type { Seal } from "../../ports/seal.ts";
import type { Redacted } from "../../redacted.ts";
import { reveal } from "../../redacted.ts";

const PREFIX = "npuds1";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
/** GCM's own length; random ones collide after 2^32 seals under one key, far more than there will be. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_CHARACTERS = 8;

type Key = { readonly id: string; readonly bytes: Buffer };

/** `previous` still opens while DISPATCH_SECRET is rotated; new seals are made with `secret`. */
export function createSeal(secret: Redacted, previous?: Redacted): Seal {
  const current = deriveKey(secret);
  const keys = [current, ...(previous === undefined ? [] : [deriveKey(previous)])];
  return {
    seal(item, text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, current.bytes, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(boundTo(item, current));
      const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${PREFIX}.${current.id}.${sealed.toString("base64url")}`;
    },
    open(item, sealed) {
      const [prefix, id, body = "", ...more] = sealed.split(".");
      const key = keys.find((one) => one.id === id);
      const bytes = Buffer.from(body, "base64url");
      if (prefix !== PREFIX || key === undefined || more.length > 0) return undefined;
      return bytes.length < NONCE_BYTES + TAG_BYTES ? undefined : decipher(item, key, bytes);
    },
  };
}

function decipher(item: string, key: Key, bytes: Buffer): string | undefined {
  const decipher = createDecipheriv(CIPHER, key.bytes, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(boundTo(item, key));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([text, decipher.final()]).toString("utf8");
  } catch (error) {
    // What `final` throws when the tag does not fit; Node gives it no code of its own.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function boundTo(item: string, key: Key): Buffer {
  return Buffer.from(`${PREFIX}.${key.id}.${item}`);
}

function deriveKey(secret: Redacted): Key {
  const bytes = Buffer.from(hkdfSync("sha256", reveal(secret), "", "npu-dispatch seal", KEY_BYTES));
  const id = createHash("sha256").update("npu-dispatch seal key id").update(bytes).digest("hex");
  return { id: id.slice(0, KEY_ID_CHARACTERS), bytes };
}
