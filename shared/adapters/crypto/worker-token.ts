// Worker tokens: claims and an HMAC under a key derived from DISPATCH_SECRET. No lookup is needed to check one.
import { createHmac, hkdfSync } from "node:crypto";
import * as z from "zod/mini";
import { endpointName, parseWorkerId, poolName, tenantId } from "../../domain/ids.ts";
import type { WorkerClaims, WorkerTokens } from "../../ports/worker-token.ts";
import type { Redacted } from "../../redacted.ts";
import { reveal } from "../../redacted.ts";
import { equalSecrets } from "./equal.ts";

const PREFIX = "npudw1";
const KEY_BYTES = 32;
/** A token is about 250 characters; what is longer is nobody's token and not worth hashing. */
const MAX_LENGTH = 1_024;

const claimsOnWire = z.object({ w: z.string(), p: z.string(), e: z.string(), t: z.string() });

/** `previous` still opens while DISPATCH_SECRET is rotated; new tokens are signed with `secret`. */
export function createWorkerTokens(secret: Redacted, previous?: Redacted): WorkerTokens {
  const keys = [secret, ...(previous === undefined ? [] : [previous])].map(deriveKey);
  const [signingKey] = keys as [Buffer];
  return {
    sign(claims) {
      const body = encode(claims);
      return `${PREFIX}.${body}.${mac(signingKey, body)}`;
    },
    verify(token) {
      if (token.length > MAX_LENGTH) return undefined;
      const [prefix, body = "", signature = "", ...rest] = token.split(".");
      if (prefix !== PREFIX || rest.length > 0) return undefined;
      const signed = keys.map((key) => equalSecrets(mac(key, body), signature)).includes(true);
      return signed ? decode(body) : undefined;
    },
  };
}

function deriveKey(secret: Redacted): Buffer {
  return Buffer.from(hkdfSync("sha256", reveal(secret), "", "npu-dispatch worker token", KEY_BYTES));
}

function mac(key: Buffer, body: string): string {
  return createHmac("sha256", key).update(`${PREFIX}.${body}`).digest("base64url");
}

function encode(claims: WorkerClaims): string {
  const wire = { w: claims.worker, p: claims.pool, e: claims.endpoint, t: claims.tenant };
  return Buffer.from(JSON.stringify(wire)).toString("base64url");
}

function decode(body: string): WorkerClaims | undefined {
  const parsed = claimsOnWire.safeParse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
  if (!parsed.success) return undefined;
  const worker = parseWorkerId(parsed.data.w);
  if (worker === undefined) return undefined;
  const { p, e, t } = parsed.data;
  return { worker, pool: poolName(p), endpoint: endpointName(e), tenant: tenantId(t) };
}
