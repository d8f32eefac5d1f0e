// The table's definition as data, which serverless.yml must agree with, and its creation for demos and tests.
import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "../../ports/store.ts";
import { type DynamoCall, DynamoFault, type TableDescription } from "./call.ts";

export const LANE_INDEX = "lane-index";
export const DUE_INDEX = "due-index";
export const SET_INDEX = "set-index";

/** The attribute that DynamoDB's TTL watches, epoch seconds. */
export const TTL_ATTRIBUTE = "expiresAt";

/** CreateTable's input without the table's name. What an index carries is what its listing answers. */
export const TABLE_DEFINITION = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "lanePk", AttributeType: "S" },
    { AttributeName: "laneSk", AttributeType: "S" },
    { AttributeName: "dueShard", AttributeType: "S" },
    { AttributeName: "dueAt", AttributeType: "N" },
    { AttributeName: "setPk", AttributeType: "S" },
    { AttributeName: "setSk", AttributeType: "S" },
  ],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
  GlobalSecondaryIndexes: [
    index(LANE_INDEX, "lanePk", "laneSk", ["cards"]),
    index(DUE_INDEX, "dueShard", "dueAt", []),
    index(SET_INDEX, "setPk", "setSk", ["schema", "version", "data", TTL_ATTRIBUTE]),
  ],
  StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" },
} as const;

/**
 * Which stream records wake dispatch, as an event source mapping's filter pattern: writes of jobs and workers, but not
 * heartbeats, which mark the item `quiet` until its next real write. A removal has no new image, and so no kind.
 */
export const STREAM_FILTER = {
  dynamodb: { NewImage: { kind: { S: ["job", "worker"] }, quiet: { N: [{ exists: false }] } } },
} as const;

const POLL_MS = 50;
const ACTIVE_WITHIN_MS = 60_000;

/** Creates the table when it is missing, waits until it is active and turns its TTL on. Safe to call at any time. */
export async function ensureTable(call: DynamoCall, table: string): Promise<void> {
  if ((await describe(call, table)) === undefined) {
    await unless("ResourceInUseException", call("CreateTable", { TableName: table, ...TABLE_DEFINITION }));
  }
  await untilActive(call, table);
  // dynalite has no TTL; readers skip what has expired, so a table without it only grows.
  await unless("UnknownOperationException", enableTtl(call, table));
}

async function untilActive(call: DynamoCall, table: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < ACTIVE_WITHIN_MS; waitedMs += POLL_MS) {
    const description = await describe(call, table);
    if (description?.TableStatus === "ACTIVE") return checkIndexes(description, table);
    await sleep(POLL_MS);
  }
  throw new StoreError(
    `Table "${table}" is not active after ${ACTIVE_WITHIN_MS / 1_000} s. Look at it and retry.`,
    {
      retryable: true,
    },
  );
}

function checkIndexes(description: TableDescription, table: string): void {
  const present = new Set(description.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName));
  const missing = TABLE_DEFINITION.GlobalSecondaryIndexes.filter(({ IndexName }) => !present.has(IndexName));
  if (missing.length === 0) return;
  throw new StoreError(
    `Table "${table}" exists without ${missing.map(({ IndexName }) => IndexName).join(", ")}. Use another name or add the index.`,
    { retryable: false },
  );
}

async function enableTtl(call: DynamoCall, table: string): Promise<void> {
  const answer = await call("DescribeTimeToLive", { TableName: table });
  if (answer.TimeToLiveDescription?.TimeToLiveStatus?.startsWith("ENABL")) return;
  const TimeToLiveSpecification = { AttributeName: TTL_ATTRIBUTE, Enabled: true };
  await call("UpdateTimeToLive", { TableName: table, TimeToLiveSpecification });
}

async function describe(call: DynamoCall, table: string): Promise<TableDescription | undefined> {
  const answer = await unless("ResourceNotFoundException", call("DescribeTable", { TableName: table }));
  return answer?.Table;
}

/** The answer, or undefined when it is the fault that was expected. */
async function unless<Answer>(code: string, answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof DynamoFault && error.code === code) return undefined;
    throw error;
  }
}

function index(IndexName: string, hash: string, range: string, carried: readonly string[]) {
  return {
    IndexName,
    KeySchema: [
      { AttributeName: hash, KeyType: "HASH" },
      { AttributeName: range, KeyType: "RANGE" },
    ],
    Projection:
      carried.length === 0
        ? { ProjectionType: "KEYS_ONLY" }
        : { ProjectionType: "INCLUDE", NonKeyAttributes: carried },
  } as const;
}
