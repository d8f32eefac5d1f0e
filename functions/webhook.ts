// Lambda entry: GitHub's deliveries from API Gateway, to at most one write each.
import { once } from "./lambda/once.ts";
import { openWebhook } from "./lambda/open-webhook.ts";
import type { DeliveryHandler } from "./lambda/take-delivery.ts";

const open = once(() => openWebhook(process.env, import.meta.dirname));

/** API Gateway HTTP API, payload 2.0. Rejects when it cannot start: GitHub then shows the delivery as failed. */
export const handler: DeliveryHandler = async (event) => (await open())(event);
