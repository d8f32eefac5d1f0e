// The store's contract on every adapter: memory (the tests' own), SQLite, DynamoDB over both transports.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { DynamoTransport } from "../../shared/adapters/dynamodb/call.ts";
import { createDynamoRows } from "../../shared/adapters/dynamodb/dynamo-rows.ts";
import { createLeanTransport } from "../../shared/adapters/dynamodb/lean-transport.ts";
import { createSdkTransport } from "../../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable } from "../../shared/adapters/dynamodb/table.ts";
import { openDatabase } from "../../shared/adapters/sqlite/database.ts";
import { createSqliteRows } from "../../shared/adapters/sqlite/sqlite-rows.ts";
import { startDynalite } from "../fakes/stores/dynalite.ts";
import {
  type DynamodbServer,
  FAKE_CREDENTIALS,
  FAKE_REGION,
  startDynamodb,
} from "../fakes/stores/dynamodb.ts";
import { createMemoryRows } from "../fakes/stores/memory-rows.ts";
import type { OpenedRows } from "./store-bench.ts";
import { describeStores } from "./store-contract.ts";

let server: DynamodbServer;
let dynalite: DynamodbServer;
let transports: {
  readonly sdk: DynamoTransport;
  readonly lean: DynamoTransport;
  readonly dynalite: DynamoTransport;
};
let tables = 0;

beforeAll(async () => {
  server = await startDynamodb();
  dynalite = await startDynalite();
  const options = { region: FAKE_REGION, endpoint: server.endpoint, credentials: FAKE_CREDENTIALS };
  const lean = { ...options, random: { fraction: () => 0.5 } };
  transports = {
    sdk: createSdkTransport(options),
    lean: createLeanTransport(lean),
    dynalite: createLeanTransport({ ...lean, endpoint: dynalite.endpoint }),
  };
});

afterAll(async () => {
  for (const transport of Object.values(transports)) transport.close();
  await Promise.all([server.stop(), dynalite.stop()]);
});

describeStores("memory", async () => ({ rows: createMemoryRows(), close: async () => {} }));

describeStores("sqlite", async (clock) => {
  const folder = await mkdtemp(join(tmpdir(), "npu-dispatch-store-"));
  const database = openDatabase(join(folder, "dispatch.db"));
  const close = async (): Promise<void> => {
    database.close();
    await rm(folder, { recursive: true });
  };
  return { rows: createSqliteRows(database, clock), close };
});

describeStores("dynamodb over the SDK", () => openTable(transports.sdk));

describeStores("dynamodb over the lean transport", () => openTable(transports.lean));

// The second opinion, and what the suite falls back to where dynoxide has no binary.
describeStores("dynalite", () => openTable(transports.dynalite));

async function openTable({ call }: DynamoTransport): Promise<OpenedRows> {
  const table = `contract-${process.pid}-${tables++}`;
  await ensureTable(call, table);
  return { rows: createDynamoRows(call, table), close: async () => {} };
}
