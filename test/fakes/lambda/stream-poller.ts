// Reads a table's stream over the real streams API, drops what the filters drop and spreads the rest over lanes.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import type { DynamoDBRecord } from "aws-lambda";
import type { StreamSettings } from "./deployment.ts";
import { lambdaRecord } from "./events.ts";
import { matchesAny } from "./filter-pattern.ts";
import { createStreamLane, type LaneOptions } from "./stream-lane.ts";

export type StreamPollerOptions = Omit<LaneOptions, "settings"> & {
  readonly settings: StreamSettings;
  readonly endpoint: string;
  readonly table: string;
  /** Lambda asks each shard four times a second. */
  readonly pollMs: number;
};

export type StreamPoller = {
  /** Records that the filters dropped. */
  readonly filtered: number;
  stop(): Promise<void>;
};

const CLIENT = { region: "us-east-1", credentials: { accessKeyId: "fake", secretAccessKey: "fake" } };

/** Reads from where the settings say; resolves when nothing written from now on can be missed. */
export async function startStreamPoller(options: StreamPollerOptions): Promise<StreamPoller> {
  const { endpoint, settings } = options;
  const client = new DynamoDBStreamsClient({ ...CLIENT, endpoint });
  const streamArn = await streamOf(endpoint, options.table);
  const lanes = Array.from({ length: settings.parallelizationFactor }, () => createStreamLane(options));
  let stopped = false;
  let filtered = 0;
  const iterators = await Promise.all((await shardsOf()).map(iteratorOf));
  const reading = iterators.map(read);

  async function shardsOf(): Promise<string[]> {
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn: streamArn }));
    return (StreamDescription?.Shards ?? []).flatMap(({ ShardId }) =>
      ShardId === undefined ? [] : [ShardId],
    );
  }

  async function iteratorOf(ShardId: string): Promise<string | undefined> {
    const ShardIteratorType = settings.startingPosition;
    const command = new GetShardIteratorCommand({ StreamArn: streamArn, ShardId, ShardIteratorType });
    return (await client.send(command)).ShardIterator;
  }

  async function read(first: string | undefined): Promise<void> {
    let iterator = first;
    while (iterator !== undefined && !stopped) {
      const answer = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
      spread((answer.Records ?? []).map((record) => lambdaRecord(record, streamArn)));
      iterator = answer.NextShardIterator;
      await sleep(options.pollMs);
    }
    // A stand-in for DynamoDB keeps its one shard open; a closed one would end our reading without a word.
    if (!stopped)
      throw new Error(`a shard of ${streamArn} was closed; this poller does not look for its children`);
  }

  /** All records of an item to the same lane: that keeps their order. */
  function spread(records: readonly DynamoDBRecord[]): void {
    const wanted = records.filter((record) => matchesAny(settings.filterPatterns, record));
    filtered += records.length - wanted.length;
    for (const [lane, group] of Map.groupBy(wanted, (record) => laneOf(record, lanes.length))) {
      lanes[lane]?.push(group);
    }
  }

  return {
    get filtered() {
      return filtered;
    },
    async stop() {
      stopped = true;
      await Promise.all([...reading, ...lanes.map((lane) => lane.stop())]);
      client.destroy();
    },
  };
}

async function streamOf(endpoint: string, table: string): Promise<string> {
  const client = new DynamoDBClient({ ...CLIENT, endpoint });
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    if (Table?.LatestStreamArn !== undefined) return Table.LatestStreamArn;
    throw new Error(`table ${table} has no stream at ${endpoint}`);
  } finally {
    client.destroy();
  }
}

function laneOf(record: DynamoDBRecord, lanes: number): number {
  const key = JSON.stringify(record.dynamodb?.Keys ?? {});
  return createHash("sha256").update(key).digest().readUInt32BE(0) % lanes;
}
