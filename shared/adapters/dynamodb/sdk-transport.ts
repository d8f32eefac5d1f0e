// DynamoDB calls over the official SDK, for every function but the webhook: it finds credentials and retries by itself.
import type { Agent as HttpsAgent } from "node:https";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { createKeptAgent } from "../network/kept-agent.ts";
import { type DynamoCall, DynamoFault, type DynamoOutput, type DynamoTransport, mayPass } from "./call.ts";

export type SdkTransportOptions = {
  readonly region: string;
  /** Of a compatible server; undefined: AWS. */
  readonly endpoint?: string | undefined;
  /** undefined: the SDK's own search (environment, container, instance). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** The time that the server tells with each of its answers, refusals too. */
  readonly onDate?: ((date: string | undefined) => void) | undefined;
};

/** One attempt may take this long; the SDK waits for ever by default. DynamoDB answers within some 10 ms. */
const ATTEMPT_MS = 3_000;
/** The SDK's own number of connections. */
const MAX_SOCKETS = 50;

const COMMANDS = {
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  UpdateItem: UpdateItemCommand,
  Query: QueryCommand,
  CreateTable: CreateTableCommand,
  DescribeTable: DescribeTableCommand,
  UpdateTimeToLive: UpdateTimeToLiveCommand,
  DescribeTimeToLive: DescribeTimeToLiveCommand,
} as const;

export function createSdkTransport(options: SdkTransportOptions): DynamoTransport {
  // Both: the SDK may find an endpoint in its own settings.
  const http = createKeptAgent("http:", { maxSockets: MAX_SOCKETS });
  const https = createKeptAgent("https:", { maxSockets: MAX_SOCKETS });
  const client = new DynamoDBClient({
    region: options.region,
    maxAttempts: 4,
    requestHandler: {
      httpAgent: http.agent,
      httpsAgent: https.agent as HttpsAgent,
      connectionTimeout: ATTEMPT_MS,
      requestTimeout: ATTEMPT_MS,
      throwOnRequestTimeout: true,
    },
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  });
  client.middlewareStack.add(
    (next) => (attempt) => {
      http.refresh();
      https.refresh();
      return next(attempt);
    },
    // After the SDK's retries, so once for each of them.
    { step: "finalizeRequest", priority: "low", name: "refreshConnections" },
  );
  client.middlewareStack.add(
    (next) => async (attempt) => {
      try {
        const answer = await next(attempt);
        options.onDate?.(dateOf(answer));
        return answer;
      } catch (error) {
        options.onDate?.(dateOf({ response: (error as { $response?: unknown }).$response }));
        throw error;
      }
    },
    // Around the SDK's own reading of the answer.
    { step: "deserialize", priority: "high", name: "hearDate" },
  );
  const call: DynamoCall = async (operation, input) => {
    // Each command has its own input type; ours are checked by DynamoDB and by the contract suite.
    const Command = COMMANDS[operation] as new (input: object) => Parameters<typeof client.send>[0];
    try {
      return (await client.send(new Command(input))) as DynamoOutput;
    } catch (error) {
      throw faultOf(error);
    }
  };
  return { call, close: () => client.destroy() };
}

function dateOf({ response }: { readonly response?: unknown }): string | undefined {
  return (response as { headers?: { date?: string } } | undefined)?.headers?.date;
}

function faultOf(error: unknown): DynamoFault {
  const { name, message, $metadata } = errorShape(error);
  const status = error instanceof DynamoDBServiceException ? $metadata?.httpStatusCode : undefined;
  // The SDK does not say how the attempts before the last one ended, so any of them may have been applied.
  const retried = ($metadata?.attempts ?? 1) > 1;
  return new DynamoFault(name, message, {
    retryable: mayPass(name, status),
    effectUnknown: retried || status === undefined || status >= 500,
    cause: error,
  });
}

type ErrorShape = {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly attempts?: number; readonly httpStatusCode?: number } | undefined;
};

function errorShape(error: unknown): ErrorShape {
  return error instanceof Error ? error : { name: "UnknownError", message: String(error) };
}
