// Lambda entry: the worker plane from API Gateway.
import { once } from "./lambda/once.ts";
import type { HttpHandler } from "./lambda/open-webhook.ts";
import { openWorkerPlane } from "./lambda/open-worker-plane.ts";

const open = once(() => openWorkerPlane(process.env, import.meta.dirname));

/** API Gateway HTTP API, payload 2.0. Rejects when it cannot start: workers try again. */
export const handler: HttpHandler = async (event, context) => (await open())(event, context);
