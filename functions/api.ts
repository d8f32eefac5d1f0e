// Lambda entry: both planes of the API from API Gateway.
import { once } from "./lambda/once.ts";
import { type HttpHandler, openPlanes } from "./lambda/open-planes.ts";

const open = once(() => openPlanes(process.env, import.meta.dirname));

/** API Gateway HTTP API, payload 2.0. Rejects when it cannot start: workers try again. */
export const handler: HttpHandler = async (event, context) => (await open())(event, context);
