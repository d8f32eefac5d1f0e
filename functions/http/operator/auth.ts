// Who may give orders: whoever has the admin key. Without a configured key there is no such plane.
import type { Context, MiddlewareHandler } from "hono";
import { equalSecrets } from "../../../shared/adapters/crypto/equal.ts";
import type { Log } from "../../../shared/ports/log.ts";
import type { Redacted } from "../../../shared/redacted.ts";
import { reveal } from "../../../shared/redacted.ts";
import { problem } from "../problem.ts";
import type { LimitedOperation, RateLimiter } from "../rate-limit.ts";

/** `by`: the name of the key, for the log. */
export type OperatorEnv = { Variables: { by: string } };

export type OperatorGuard = {
  /** Undefined: every route answers 404, whatever is sent. */
  readonly adminKey: Redacted | undefined;
  readonly rateLimiter: RateLimiter;
  readonly rejectionLog: Log;
};

const KEY_NAME = "admin";
/** Of any credential: more is not compared. */
const MAX_LENGTH = 1_000;

export function operatorGuard(
  guard: OperatorGuard,
  operation: LimitedOperation,
): MiddlewareHandler<OperatorEnv> {
  return async function guardRoute(c, next) {
    if (guard.adminKey === undefined) return closed(guard, c);
    const credential = /^Bearer (\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
    if (credential.length > MAX_LENGTH || !equalSecrets(credential, reveal(guard.adminKey))) {
      return unauthorized(guard, c);
    }
    const admission = guard.rateLimiter.admit("operator", "*", operation);
    if (admission.type === "limited") {
      const detail = "too many orders at once; wait and try again";
      const { retryAfterMs } = admission;
      return problem(c, { status: 429, title: "Too many requests", detail, retryAfterMs });
    }
    c.set("by", KEY_NAME);
    try {
      return await next();
    } finally {
      admission.release();
    }
  };
}

function closed({ rejectionLog }: OperatorGuard, c: Context): Response {
  const message = "there is no operator plane without ADMIN_KEY: set it and restart";
  rejectionLog.warn("operator-call-rejected", { status: 404, reason: "no admin key is set", message });
  return problem(c, { status: 404, title: "Not found", detail: "there is nothing at this path" });
}

function unauthorized({ rejectionLog }: OperatorGuard, c: Context): Response {
  rejectionLog.warn("operator-call-rejected", { status: 401, reason: "not the admin key" });
  const detail = "send the admin key as Authorization: Bearer …";
  const refusal = problem(c, { status: 401, title: "Unauthorized", detail });
  refusal.headers.set("www-authenticate", 'Bearer realm="npu-dispatch operator"');
  return refusal;
}
