// What the table's stream tells: records made by hand, and those of a server that has streams.
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { expect, test } from "vitest";
import { changeOfRecord, type StreamRecord } from "../../../shared/adapters/dynamodb/change-of-record.ts";
import { createDynamoStores } from "../../../shared/adapters/dynamodb/dynamo-stores.ts";
import { toItem } from "../../../shared/adapters/dynamodb/item.ts";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable, STREAM_FILTER } from "../../../shared/adapters/dynamodb/table.ts";
import { rowOfJob, rowOfPool, rowOfWorker } from "../../../shared/adapters/store/row-codec.ts";
import { poolName } from "../../../shared/domain/ids.ts";
import { newPool } from "../../../shared/domain/pool/pool.ts";
import type { Change } from "../../../shared/ports/store.ts";
import { aJob, aWorker, nextOf, START } from "../../contract/store-nouns.ts";
import { startDynalite } from "../../fakes/stores/dynalite.ts";
import { FAKE_CREDENTIALS, FAKE_REGION, startDynamodb } from "../../fakes/stores/dynamodb.ts";

const JOB_IMAGE = toItem({ ...rowOfJob(aJob("gh-1"), START), writeId: "w" });

test("an inserted or changed job is told", () => {
  for (const eventName of ["INSERT", "MODIFY"]) {
    expect(changeOfRecord({ eventName, dynamodb: { NewImage: JOB_IMAGE } })).toEqual({
      kind: "job",
      job: aJob("gh-1"),
    });
  }
});

test("a worker is told with its last heartbeat", () => {
  const image = toItem({ ...rowOfWorker(aWorker("w-1"), START), writeId: "w", heartbeatAt: START + 7 });
  expect(changeOfRecord({ eventName: "MODIFY", dynamodb: { NewImage: image } })).toEqual({
    kind: "worker",
    worker: { ...aWorker("w-1"), heartbeatAt: START + 7 },
  });
});

test("deletions, heartbeats and other kinds are not told", () => {
  const pool = toItem({ ...rowOfPool(newPool(poolName("a2"), 8)), writeId: "w" });
  const quiet: StreamRecord[] = [
    { eventName: "REMOVE", dynamodb: {} },
    { eventName: "REMOVE", dynamodb: { NewImage: JOB_IMAGE } },
    { eventName: "MODIFY", dynamodb: { NewImage: { ...JOB_IMAGE, quiet: { N: "1" } } } },
    { eventName: "MODIFY", dynamodb: { NewImage: pool } },
    {},
  ];
  for (const record of quiet) expect(changeOfRecord(record)).toBeUndefined();
});

test("the filter of the event source lets through what is told, and no heartbeat", () => {
  const pool = toItem({ ...rowOfPool(newPool(poolName("a2"), 8)), writeId: "w" });
  const records = [
    { eventName: "INSERT", dynamodb: { NewImage: JOB_IMAGE } },
    {
      eventName: "MODIFY",
      dynamodb: { NewImage: toItem({ ...rowOfWorker(aWorker("w-1"), START), writeId: "w" }) },
    },
    { eventName: "MODIFY", dynamodb: { NewImage: { ...JOB_IMAGE, quiet: { N: "1" } } } },
    { eventName: "MODIFY", dynamodb: { NewImage: pool } },
    { eventName: "REMOVE", dynamodb: {} },
  ];
  const passed = records.filter((record) => matches(STREAM_FILTER, record));
  expect(passed).toEqual(records.slice(0, 2));
  expect(passed).toEqual(records.filter((record) => changeOfRecord(record) !== undefined));
});

test("a row of a newer schema is a fault that names it", () => {
  const image = { ...JOB_IMAGE, schema: { N: "2" } };
  expect(() => changeOfRecord({ eventName: "MODIFY", dynamodb: { NewImage: image } })).toThrow(
    /job#gh-1 has schema 2/,
  );
});

test.each([
  ["the server", startDynamodb],
  ["dynalite", startDynalite],
])("the stream of %s tells each write once and in order, but no heartbeat", async (_, start) => {
  const server = await start();
  const options = { region: FAKE_REGION, endpoint: server.endpoint, credentials: FAKE_CREDENTIALS };
  const transport = createSdkTransport(options);
  const streams = new DynamoDBStreamsClient(options);
  try {
    const table = `stream-${process.pid}`;
    await ensureTable(transport.call, table);
    const stores = createDynamoStores({ call: transport.call, table, clock: { now: () => START } });
    const job = aJob("gh-1");
    const worker = aWorker("w-1");
    const beaten = { ...worker, heartbeatAt: START + 1, dueAt: START + 2 };
    await stores.jobs.create(job);
    await stores.workers.create(worker);
    await stores.workers.heartbeat(worker.id, START + 1, START + 2);
    await stores.workers.replace(nextOf(beaten, { state: "running" }));
    await stores.jobs.replace(nextOf(job, { starts: 1 }));
    await stores.lanes.register({ pool: job.pool, tenant: job.tenant, login: "octo-org" });
    expect(await changesIn(streams, table)).toEqual([
      { kind: "job", job },
      { kind: "worker", worker },
      { kind: "worker", worker: nextOf(beaten, { state: "running" }) },
      { kind: "job", job: nextOf(job, { starts: 1 }) },
    ]);
  } finally {
    streams.destroy();
    transport.close();
    await server.stop();
  }
});

/** Lambda's filter rules, as far as we use them: a list of values or `exists: false` at each leaf. */
function matches(pattern: object, value: unknown): boolean {
  return Object.entries(pattern).every(([name, rule]: [string, unknown]) => {
    const found = (value as Record<string, unknown> | undefined)?.[name];
    if (!Array.isArray(rule)) return matches(rule as object, found);
    return rule.some((wanted) => (typeof wanted === "string" ? wanted === found : found === undefined));
  });
}

async function changesIn(client: DynamoDBStreamsClient, TableName: string): Promise<Change[]> {
  const { Streams } = await client.send(new ListStreamsCommand({ TableName }));
  const StreamArn = Streams?.[0]?.StreamArn;
  const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn }));
  const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
  const iterator = { StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
  const { ShardIterator } = await client.send(new GetShardIteratorCommand(iterator));
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }));
  return (Records ?? [])
    .map((record) => changeOfRecord(record as StreamRecord))
    .filter((told) => told !== undefined);
}
