// GitHub's deliveries to the single-process server. The webhook function has its own edge, functions/lambda/take-delivery.ts.
import type { Context } from "hono";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import {
  type DeliveryAnswer,
  type DeliveryDeps,
  handleDelivery,
  notRecorded,
  tooLarge,
} from "./handle-delivery.ts";

export type WebhookDeps = DeliveryDeps & { readonly maxBytes?: number };

/** Where GitHub delivers to. */
export const WEBHOOK_PATH = "/webhooks/github";
/** Real deliveries are 7 to 25 kB; GitHub's own cap is 25 MB. */
export const MAX_DELIVERY_BYTES = 1_000_000;

export function createWebhookApp(deps: WebhookDeps): Hono {
  const app = new Hono();
  const { maxBytes: maxSize = MAX_DELIVERY_BYTES } = deps;
  const limit = bodyLimit({ maxSize, onError: (c) => answer(c, tooLarge(deps, maxSize)) });
  app.post(WEBHOOK_PATH, limit, async (c) => {
    const body = await c.req.text();
    return answer(c, await handleDelivery(deps, { header: (name) => c.req.header(name), body }));
  });
  // Beside handleDelivery, which never rejects: a body that breaks off.
  app.onError((error, c) => answer(c, notRecorded(deps, c.req.header("x-github-delivery"), error)));
  return app;
}

function answer(c: Context, { status, body }: DeliveryAnswer): Response {
  return c.json(body, status);
}
