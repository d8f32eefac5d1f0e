// The planes of the API as a Lambda HTTP handler.
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";
import { handle } from "hono/aws-lambda";
import { rateLimited } from "../../shared/adapters/log/rate-limited.ts";
import { createPlanes } from "../http/planes.ts";
import { hearCall } from "./hear-call.ts";
import { openDispatcher } from "./open-dispatcher.ts";
import type { Env } from "./settings.ts";

export type HttpHandler = (
  event: LambdaEvent,
  context?: LambdaContext,
) => ReturnType<ReturnType<typeof handle>>;

/** Lambda takes 6 MB with the envelope, base64 bodies a third more; a held call costs as long as it is held. */
const MAX_BODY_BYTES = 4_000_000;
const HOLD_MS = 10_000;

/**
 * Of the 6,291,556 bytes that it gives, the body a text in JSON: the rest of a status has room, its error of 64 kB above
 * all.
 */
const MAX_TEXT_BYTES = 5_500_000;

export async function openPlanes(env: Env, dir: string): Promise<HttpHandler> {
  const { deps, clock, tokens, config, publicUrl, adminKey } = await openDispatcher(env, dir, {
    isOperated: true,
  });
  const rejectionLog = rateLimited(deps.log, { clock: deps.clock });
  const answer = handle(
    createPlanes(deps, {
      config,
      tokens,
      publicUrl,
      limits: {
        runBytes: Math.min(config.limits.body.runBytes, MAX_BODY_BYTES),
        runsyncBytes: Math.min(config.limits.body.runsyncBytes, MAX_BODY_BYTES),
        holdMs: HOLD_MS,
      },
      maxTextBytes: MAX_TEXT_BYTES,
      workerHoldMs: 0,
      adminKey,
      rejectionLog,
    }),
  );
  return (event, context) => {
    hearCall(clock, event.requestContext);
    return answer(event, context);
  };
}
