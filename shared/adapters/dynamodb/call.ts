// The seam to DynamoDB: one function per call, one error for every way it can fail. Two transports implement it.
import type { Item } from "./item.ts";

export type DynamoOperation =
  | "GetItem"
  | "PutItem"
  | "UpdateItem"
  | "Query"
  | "CreateTable"
  | "DescribeTable"
  | "UpdateTimeToLive"
  | "DescribeTimeToLive";

/** DynamoDB's own request, as its JSON protocol takes it. */
export type DynamoInput = Readonly<Record<string, unknown>>;

/** What we read of DynamoDB's answers. */
export type DynamoOutput = {
  readonly Item?: Item | undefined;
  readonly Items?: readonly Item[] | undefined;
  readonly LastEvaluatedKey?: Item | undefined;
  readonly Table?: TableDescription | undefined;
  readonly TimeToLiveDescription?: { readonly TimeToLiveStatus?: string | undefined } | undefined;
};

export type TableDescription = {
  readonly TableStatus?: string | undefined;
  readonly GlobalSecondaryIndexes?: readonly { readonly IndexName?: string | undefined }[] | undefined;
};

/** Retries by itself what may succeed a moment later; throws DynamoFault. */
export type DynamoCall = (operation: DynamoOperation, input: DynamoInput) => Promise<DynamoOutput>;

export type DynamoTransport = { readonly call: DynamoCall; close(): void };

export class DynamoFault extends Error {
  override readonly name = "DynamoFault";
  /** DynamoDB's exception without its namespace, or what Node calls the network error. */
  readonly code: string;
  /** The cause may pass by itself. */
  readonly retryable: boolean;
  /** An attempt of this call may have been applied without our hearing of it. */
  readonly effectUnknown: boolean;
  constructor(
    code: string,
    message: string,
    options: { readonly retryable: boolean; readonly effectUnknown: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
    this.effectUnknown = options.effectUnknown;
  }
}

export const CONDITION_FAILED = "ConditionalCheckFailedException";

/** Refusals before any effect, which pass by themselves. Internal errors are told by their HTTP status. */
const PASSING: ReadonlySet<string> = new Set([
  "LimitExceededException",
  "ProvisionedThroughputExceededException",
  "ReplicatedWriteConflictException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "TransactionConflictException",
]);

/** `status`: undefined when no answer came. */
export function mayPass(code: string, status: number | undefined): boolean {
  return status === undefined || status >= 500 || PASSING.has(code);
}
