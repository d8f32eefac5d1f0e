// The events that AWS sends, in its own shapes: API Gateway 2.0, DynamoDB streams, EventBridge schedules.
import { randomUUID } from "node:crypto";
import type { _Record as StreamRecord } from "@aws-sdk/client-dynamodb-streams";
import type {
  APIGatewayProxyEventV2,
  AttributeValue,
  DynamoDBRecord,
  DynamoDBStreamEvent,
  ScheduledEvent,
} from "aws-lambda";

export type HttpCall = {
  readonly method: string;
  /** With its query string. */
  readonly url: string;
  /** Values of a repeated header are joined with commas, as API Gateway does. */
  readonly headers: { readonly [name: string]: string };
  readonly body?: Buffer | undefined;
  readonly base64?: boolean | undefined;
  readonly routeKey?: string | undefined;
};

const ACCOUNT = "123456789012";
const REGION = "us-east-1";

export function httpEvent(call: HttpCall): APIGatewayProxyEventV2 {
  const [rawPath = "/", rawQueryString = ""] = call.url.split(/\?(.*)/s, 2);
  const lowered = Object.entries(call.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const cookies = lowered.filter(([name]) => name === "cookie").flatMap(([, value]) => value.split(/; */));
  const headers = Object.fromEntries(lowered.filter(([name]) => name !== "cookie"));
  const { host: domainName = "api.example.org" } = headers;
  const routeKey = call.routeKey ?? `${call.method} ${rawPath}`;
  const body = call.body?.length ? call.body : undefined;
  return {
    version: "2.0",
    routeKey,
    rawPath: decodeURIComponent(rawPath),
    rawQueryString,
    ...(cookies.length > 0 && { cookies }),
    headers,
    requestContext: {
      accountId: ACCOUNT,
      apiId: "api",
      domainName,
      domainPrefix: "api",
      http: {
        method: call.method,
        path: rawPath,
        protocol: "HTTP/1.1",
        sourceIp: "127.0.0.1",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey,
      stage: "$default",
      time: new Date().toUTCString(),
      timeEpoch: Date.now(),
    },
    ...(body && { body: body.toString(call.base64 ? "base64" : "utf8") }),
    isBase64Encoded: body !== undefined && call.base64 === true,
  };
}

export type Image = { readonly [attribute: string]: { readonly S?: string; readonly N?: string } };

/** A record as Lambda gives it, by default of a new item. */
export function streamRecord(options: {
  readonly sequence: string;
  readonly keys: Image;
  readonly image?: Image | undefined;
  readonly eventName?: "INSERT" | "MODIFY" | "REMOVE";
  readonly at?: number;
  readonly streamArn?: string;
}): DynamoDBRecord {
  const { sequence, keys, image, eventName = "INSERT", at = Date.now() } = options;
  return {
    eventID: randomUUID().replaceAll("-", ""),
    eventName,
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: REGION,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(at / 1_000),
      Keys: keys as Record<string, AttributeValue>,
      ...(image && { NewImage: image as Record<string, AttributeValue> }),
      SequenceNumber: sequence,
      SizeBytes: JSON.stringify(image ?? {}).length,
      StreamViewType: "NEW_IMAGE",
    },
    eventSourceARN: options.streamArn ?? `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/t/stream/1`,
  };
}

/** A record of the streams API, whose times are dates. */
export function lambdaRecord(record: StreamRecord, streamArn: string): DynamoDBRecord {
  const { SequenceNumber = "", Keys = {}, NewImage, ApproximateCreationDateTime } = record.dynamodb ?? {};
  return streamRecord({
    sequence: SequenceNumber,
    keys: Keys as Image,
    image: NewImage as Image | undefined,
    eventName: record.eventName ?? "MODIFY",
    ...(ApproximateCreationDateTime && { at: ApproximateCreationDateTime.getTime() }),
    streamArn,
  });
}

export function streamEvent(records: readonly DynamoDBRecord[]): DynamoDBStreamEvent {
  return { Records: [...records] };
}

export function scheduleEvent(rule: string): ScheduledEvent {
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account: ACCOUNT,
    time: new Date().toISOString().replace(/\.\d+/, ""),
    region: REGION,
    resources: [`arn:aws:events:${REGION}:${ACCOUNT}:rule/${rule}`],
    detail: {},
  };
}
