// What only the DynamoDB adapter has: its table, its items, its stream, and answers lost on a real connection.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CONDITION_FAILED,
  type DynamoCall,
  DynamoFault,
  type DynamoTransport,
} from "../../../shared/adapters/dynamodb/call.ts";
import { createDynamoRows } from "../../../shared/adapters/dynamodb/dynamo-rows.ts";
import { createDynamoStores } from "../../../shared/adapters/dynamodb/dynamo-stores.ts";
import { DUE_SHARDS, toItem, toRow } from "../../../shared/adapters/dynamodb/item.ts";
import { createLeanTransport } from "../../../shared/adapters/dynamodb/lean-transport.ts";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable, TABLE_DEFINITION, TTL_ATTRIBUTE } from "../../../shared/adapters/dynamodb/table.ts";
import type { Row } from "../../../shared/adapters/store/rows.ts";
import { StoreError } from "../../../shared/ports/store.ts";
import { aJob, aNearMiss, LANE, nextOf, START } from "../../contract/store-nouns.ts";
import { type Recorder, type Reply, startRecorder } from "../../fakes/recorder.ts";
import {
  type DynamodbServer,
  FAKE_CREDENTIALS,
  FAKE_REGION,
  startDynamodb,
} from "../../fakes/stores/dynamodb.ts";

const clock = { now: () => START };
let server: DynamodbServer;
let transport: DynamoTransport;
let tables = 0;

beforeAll(async () => {
  server = await startDynamodb();
  transport = leanTo(server.endpoint);
});
afterAll(async () => {
  transport.close();
  await server.stop();
});

describe("the table", () => {
  test("is made once, with its indexes, and made sure of as often as one likes", async () => {
    const table = tableName();
    await Promise.all([ensureTable(transport.call, table), ensureTable(transport.call, table)]);
    await ensureTable(transport.call, table);
    const { Table } = await transport.call("DescribeTable", { TableName: table });
    const names = Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort();
    expect(names).toEqual(["due-index", "lane-index", "set-index"]);
    const { TimeToLiveDescription } = await transport.call("DescribeTimeToLive", { TableName: table });
    // The emulators differ in what they say of a TTL, but each one names its attribute.
    expect(TimeToLiveDescription).toMatchObject({ AttributeName: TTL_ATTRIBUTE });
  });

  test("of the right name but without our indexes is refused", async () => {
    const table = tableName();
    await transport.call("CreateTable", {
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: TABLE_DEFINITION.KeySchema,
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
    });
    await expect(ensureTable(transport.call, table)).rejects.toThrow(
      /without lane-index, due-index, set-index/,
    );
  });

  test("that is missing is said so, as no passing fault", async () => {
    const stores = createDynamoStores({ call: transport.call, table: "no-such-table", clock });
    await expect(stores.jobs.get(aJob("gh-1").id)).rejects.toMatchObject({
      name: "StoreError",
      retryable: false,
      message: expect.stringMatching(/GetItem on table "no-such-table".*ResourceNotFound.*name and region/),
    });
  });
});

describe("items", () => {
  test("any row comes back from its item", () => {
    const text = fc.string({ unit: "binary", minLength: 1 });
    const optional = { nil: undefined };
    const rows = fc.record({
      pk: text,
      kind: fc.constantFrom("job", "worker"),
      version: fc.nat(),
      writeId: text,
      schema: fc.constant(1),
      data: fc.json(),
      lanePk: fc.option(text, optional),
      laneSk: fc.option(text, optional),
      cards: fc.option(fc.nat(), optional),
      dueAt: fc.option(fc.nat(Number.MAX_SAFE_INTEGER), optional),
      expiresAt: fc.option(fc.nat(), optional),
    });
    fc.assert(
      fc.property(rows, (row) => {
        expect(toRow(toItem(row as Row))).toEqual(row);
      }),
    );
  });

  test("due rows spread evenly over the shards", () => {
    const counts = new Map<string | undefined, number>();
    for (let n = 0; n < 1_600; n++) {
      const { dueShard = { S: "none" } } = toItem({ ...row(`job#gh-${100_000 + n}`), dueAt: START });
      counts.set(dueShard.S, (counts.get(dueShard.S) ?? 0) + 1);
    }
    expect(counts.size).toBe(DUE_SHARDS);
    expect(Math.max(...counts.values())).toBeLessThan(160);
    expect(Math.min(...counts.values())).toBeGreaterThan(50);
  });

  test("that are not ours are refused", () => {
    expect(() => toRow({ pk: { S: "foreign" } })).toThrow(/not ours: foreign/);
  });
});

describe.each([
  ["the lean transport", leanTo],
  ["the SDK", sdkTo],
])("over %s, when the answer to an applied write is lost on the way", (_, connect) => {
  test.each(["PutItem", "UpdateItem"])("%s is known to be applied, or lost to another", async (operation) => {
    const table = tableName();
    await ensureTable(transport.call, table);
    const direct = createDynamoStores({ call: transport.call, table, clock });
    const proxy = await startDroppingProxy(operation);
    const lossy = connect(proxy.endpoint);
    const stores = createDynamoStores({ call: lossy.call, table, clock });
    const job = aJob("gh-1");
    try {
      expect(await stores.jobs.create(job)).toBe(true);
      expect(await stores.jobs.create(job)).toBe(false);
      expect(await stores.jobs.replace(nextOf(job, { starts: 1 }))).toBe(true);
      expect(await direct.jobs.get(job.id)).toEqual(nextOf(job, { starts: 1 }));
      await stores.nearMisses.count(aNearMiss());
      expect(await direct.nearMisses.list(aNearMiss().tenant, 1)).toMatchObject([{ count: 1 }]);
      expect(dropsOf(proxy, operation)).toBeGreaterThan(1);
    } finally {
      lossy.close();
      await proxy.stop();
    }
  });
});

describe("requests", () => {
  test("get is strongly consistent, and listings read their index", async () => {
    const asked: unknown[] = [];
    const call: DynamoCall = async (operation, { ConsistentRead, IndexName }) => {
      asked.push([operation, ConsistentRead, IndexName]);
      return {};
    };
    const stores = createDynamoStores({ call, table: "t", clock });
    await stores.jobs.get(aJob("gh-1").id);
    await stores.jobs.heads(LANE, 1);
    await stores.tenants.list();
    expect(asked).toEqual([
      ["GetItem", true, undefined],
      ["Query", undefined, "lane-index"],
      ["Query", undefined, "set-index"],
    ]);
  });

  test("a repetition that was refused after others had built upon the first is unknown, not lost", async () => {
    const table = tableName();
    await ensureTable(transport.call, table);
    const direct = createDynamoStores({ call: transport.call, table, clock });
    const job = aJob("gh-1");
    const ours = nextOf(job, { starts: 1 });
    await direct.jobs.create(job);
    const call: DynamoCall = async (operation, input) => {
      const answer = await transport.call(operation, input);
      if (operation !== "UpdateItem") return answer;
      await direct.jobs.replace(nextOf(ours));
      throw new DynamoFault(CONDITION_FAILED, "refused", { retryable: false, effectUnknown: true });
    };
    const stores = createDynamoStores({ call, table, clock });
    await expect(stores.jobs.replace(ours)).rejects.toMatchObject({ name: "StoreError", retryable: true });
  });
});

describe("faults", () => {
  test("that are no doubt carry their cause, and throttling may be tried again", async () => {
    const cases = [
      [{ status: 400, body: '{"__type":"x#ValidationException","message":"bad"}' }, false],
      [{ status: 400, body: '{"__type":"x#ThrottlingException","message":"slow"}' }, true],
      [{ status: 500, body: "" }, true],
    ] as const satisfies [Reply, boolean][];
    for (const [reply, retryable] of cases) {
      const recorder = await startRecorder(() => reply);
      const faulty = leanTo(recorder.endpoint);
      const rows = createDynamoRows(faulty.call, "t");
      const error = await rows.get("job#gh-1").catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ retryable, cause: { name: "DynamoFault" } });
      faulty.close();
      await recorder.stop();
    }
  });
});

/** Passes everything on, and drops the first answer to each different request body of `operation`. */
async function startDroppingProxy(operation: string): Promise<Recorder> {
  const dropped = new Set<string>();
  return startRecorder(async ({ headers, body }) => {
    const target = headers["x-amz-target"] ?? "";
    const answer = await fetch(server.endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": target,
        authorization: headers.authorization ?? "",
        "x-amz-date": headers["x-amz-date"] ?? "",
      },
      body,
    });
    const text = await answer.text();
    if (target.endsWith(`.${operation}`) && !dropped.has(body)) {
      dropped.add(body);
      return "drop";
    }
    return { status: answer.status, body: text };
  });
}

/** How many requests were sent again because the answer to the first was dropped. */
function dropsOf(proxy: Recorder, operation: string): number {
  const bodies = proxy.heard
    .filter(({ headers }) => headers["x-amz-target"]?.endsWith(operation))
    .map(({ body }) => body);
  return bodies.length - new Set(bodies).size;
}

function leanTo(endpoint: string): DynamoTransport {
  const random = { fraction: () => 0 };
  return createLeanTransport({ region: FAKE_REGION, credentials: FAKE_CREDENTIALS, endpoint, random });
}

function sdkTo(endpoint: string): DynamoTransport {
  return createSdkTransport({ region: FAKE_REGION, credentials: FAKE_CREDENTIALS, endpoint });
}

function tableName(): string {
  return `adapter-${process.pid}-${tables++}`;
}

function row(pk: string): Row {
  return { pk, kind: "job", version: 0, writeId: "w", schema: 1, data: "{}" };
}
