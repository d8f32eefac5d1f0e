// GitHub's deliveries from API Gateway, without Hono: its Request is Node's undici, 38 ms of a cold start.
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { type DeliveryDeps, handleDelivery, tooLarge } from "../http/webhook/handle-delivery.ts";

/** HTTP API, payload 2.0: header names come in lower case, and only POST /webhooks/github is routed here. */
type DeliveryEvent = Pick<APIGatewayProxyEventV2, "headers" | "isBase64Encoded"> & {
  /** A call without a body has none, or null where something stands in front of the function. */
  readonly body?: string | null;
  readonly requestContext?: { readonly timeEpoch?: number };
};
type DeliveryResult = {
  readonly statusCode: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
};
export type DeliveryHandler = (event: DeliveryEvent) => Promise<DeliveryResult>;

export function createDeliveryHandler(deps: DeliveryDeps, options: { maxBytes: number }): DeliveryHandler {
  return async function takeDelivery({ headers, body: sent, isBase64Encoded }) {
    const text = sent ?? "";
    const body = isBase64Encoded ? Buffer.from(text, "base64").toString("utf8") : text;
    const answer =
      Buffer.byteLength(body) > options.maxBytes
        ? tooLarge(deps, options.maxBytes)
        : await handleDelivery(deps, { header: (name) => headers[name], body });
    return {
      statusCode: answer.status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(answer.body),
    };
  };
}
