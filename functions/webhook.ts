// Lambda entry: GitHub's deliveries from API Gateway, to at most one write each.
import { once } from "./lambda/once.ts";
import { type HttpHandler, openWebhook } from "./lambda/open-webhook.ts";

// Node loads its Request at first use, 38 ms of CPU. Here that falls into Lambda's init phase, which has a whole CPU; a
// call of 512 MB has 0.3 of one (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
Reflect.get(globalThis, "Request");

const open = once(() => openWebhook(process.env, import.meta.dirname));

/** API Gateway HTTP API, payload 2.0. Rejects when it cannot start: GitHub then shows the delivery as failed. */
export const handler: HttpHandler = async (event, context) => (await open())(event, context);
