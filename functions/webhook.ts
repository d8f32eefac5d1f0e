// Lambda entry: GitHub's deliveries from API Gateway, to at most one write each.
import { once } from "./lambda/once.ts";
import { type HttpHandler, openWebhook } from "./lambda/open-webhook.ts";

const open = once(() => openWebhook(process.env, import.meta.dirname));

/** API Gateway HTTP API, payload 2.0. Rejects when it cannot start: GitHub then shows the delivery as failed. */
export const handler: HttpHandler = async (event, context) => (await open())(event, context);
