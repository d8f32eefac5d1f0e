// GitHub's deliveries to the single-process server. The webhook function has its own edge,
// functions/lambda/take-delivery.ts.
import type { Context } from "hono";
import { Hono } from "hono";
import { ByteRoom } from "../body/byte-room.ts";
import type { Bytes, BytesDesk } from "../body/read-body.ts";
import { readBytes } from "../body/read-body.ts";
import {
  brokenOff,
  type DeliveryAnswer,
  type DeliveryDeps,
  handleDelivery,
  notRecorded,
  tooLarge,
} from "./handle-delivery.ts";

export type WebhookDeps = DeliveryDeps & { readonly maxBytes?: number; readonly stallMs?: number };

/** Where GitHub delivers to. */
export const WEBHOOK_PATH = "/webhooks/github";
/** Real deliveries are 7 to 25 kB; GitHub's own cap is 25 MB. */
export const MAX_DELIVERY_BYTES = 1_000_000;
/** Of the largest size. Whoever sends them is unknown until the last byte: above it the slowest one gives way. */
const MOST_AT_ONCE = 32;
/** GitHub gives a delivery up after 10 s. */
const WHOLE_WITHIN_MS = 10_000;
const ANYBODY = {
  key: "anybody",
  bytesUnderWay: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

export function createWebhookApp(deps: WebhookDeps): Hono {
  const app = new Hono();
  const { maxBytes = MAX_DELIVERY_BYTES, stallMs = WHOLE_WITHIN_MS } = deps;
  const desk: BytesDesk = { room: new ByteRoom(MOST_AT_ONCE * maxBytes), pace: () => 0, stallMs };
  const ask = { owner: ANYBODY, maxBytes, isUnknown: true };
  app.post(WEBHOOK_PATH, async (c) => {
    const read = await readBytes(c, desk, ask, () => undefined);
    if (read.type === "read") return answer(c, await deliver(deps, c, read));
    return answer(c, read.type === "too-large" ? tooLarge(deps, maxBytes) : brokenOff(deps));
  });
  // Beside handleDelivery, which never rejects.
  app.onError((error, c) => answer(c, notRecorded(deps, c.req.header("x-github-delivery"), error)));
  return app;
}

async function deliver(deps: WebhookDeps, c: Context, { bytes, release }: Bytes): Promise<DeliveryAnswer> {
  try {
    const body = new TextDecoder().decode(bytes);
    return await handleDelivery(deps, { header: (name) => c.req.header(name), body });
  } finally {
    release();
  }
}

function answer(c: Context, { status, body }: DeliveryAnswer): Response {
  return c.json(body, status);
}
