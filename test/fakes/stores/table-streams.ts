// The streams API of DynamoDB over what is told of writes: one shard for each table, which stays open, of NEW_IMAGE.
import { isDeepStrictEqual } from "node:util";

export type Item = { readonly [attribute: string]: unknown };
type Json = { readonly [member: string]: unknown };
type Written = { readonly Keys: Item; readonly before: Item | undefined; readonly after: Item | undefined };

export type Streams = {
  arnOf(table: string): string;
  /** A write that changed nothing leaves no record (DynamoDB's developer guide, "Change data capture"). */
  add(table: string, written: Written): void;
  answer(operation: string, body: Json): { readonly status: number; readonly body: Json };
};

const SHARD = "shardId-00000000000000000000-00000000";
const MOST_RECORDS = 1_000;

export function createStreams(): Streams {
  const records = new Map<string, Json[]>();
  const arnOf = (table: string) =>
    `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/2026-01-01T00:00:00.000`;

  function recordsOf(arn: unknown): Json[] {
    const key = String(arn);
    const known = records.get(key) ?? [];
    records.set(key, known);
    return known;
  }

  function getRecords(body: Json): Json {
    const [arn = "", at = "0"] = String(body["ShardIterator"]).split("|");
    const from = Number(at);
    const Records = recordsOf(arn).slice(from, from + MOST_RECORDS);
    return { Records, NextShardIterator: `${arn}|${from + Records.length}` };
  }

  const operations: { readonly [operation: string]: (body: Json) => Json } = {
    ListStreams: ({ TableName }) => ({ Streams: [{ TableName, StreamArn: arnOf(String(TableName)) }] }),
    DescribeStream: ({ StreamArn }) => ({
      StreamDescription: {
        StreamArn,
        StreamStatus: "ENABLED",
        StreamViewType: "NEW_IMAGE",
        Shards: [{ ShardId: SHARD, SequenceNumberRange: { StartingSequenceNumber: "1" } }],
      },
    }),
    GetShardIterator: ({ StreamArn, ShardIteratorType }) => ({
      ShardIterator: `${StreamArn}|${ShardIteratorType === "LATEST" ? recordsOf(StreamArn).length : 0}`,
    }),
    GetRecords: getRecords,
  };

  return {
    arnOf,
    add(table, { Keys, before, after }) {
      if (isDeepStrictEqual(before, after)) return;
      const list = recordsOf(arnOf(table));
      const eventName = after === undefined ? "REMOVE" : before === undefined ? "INSERT" : "MODIFY";
      list.push({
        eventID: `${list.length + 1}`,
        eventName,
        dynamodb: {
          ApproximateCreationDateTime: Math.floor(Date.now() / 1_000),
          Keys,
          ...(after && { NewImage: after }),
          SequenceNumber: `${list.length + 1}`.padStart(21, "0"),
          StreamViewType: "NEW_IMAGE",
        },
      });
    },
    answer(operation, body) {
      const answer = operations[operation];
      if (answer === undefined) return { status: 400, body: { __type: "UnknownOperationException" } };
      return { status: 200, body: answer(body) };
    },
  };
}
