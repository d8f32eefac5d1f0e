// The stores of the demo's dispatcher: embedded, or a DynamoDB server that it starts.
import { join } from "node:path";
import type { OpenStores } from "../../functions/server.ts";
import { createDynamoRows } from "../../shared/adapters/dynamodb/dynamo-rows.ts";
import { createSdkTransport } from "../../shared/adapters/dynamodb/sdk-transport.ts";
import { ensureTable } from "../../shared/adapters/dynamodb/table.ts";
import { createSqliteStores } from "../../shared/adapters/sqlite/sqlite-stores.ts";
import { createApiStores } from "../../shared/adapters/store/api-stores.ts";
import { createStores } from "../../shared/adapters/store/stores.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import type { Change } from "../../shared/ports/store.ts";
import { FAKE_CREDENTIALS, FAKE_REGION, startDynamodb } from "../../test/fakes/stores/dynamodb.ts";

const TABLE = "npu-dispatch-demo";

export function openSqlite(dir: string, onChange: (change: Change) => void): OpenStores {
  const stores = createSqliteStores({ file: join(dir, "dispatch.db"), clock: systemClock, onChange });
  return { stores, close: () => stores.close() };
}

export async function openDynamodb(onChange: (change: Change) => void): Promise<OpenStores> {
  const dynamodb = await startDynamodb();
  const { endpoint } = dynamodb;
  const transport = createSdkTransport({ region: FAKE_REGION, endpoint, credentials: FAKE_CREDENTIALS });
  await ensureTable(transport.call, TABLE);
  const rows = createDynamoRows(transport.call, TABLE);
  const api = createApiStores(rows, { clock: systemClock });
  return {
    stores: { ...createStores(rows, { clock: systemClock, onChange }), api },
    close() {
      transport.close();
      void dynamodb.stop();
    },
  };
}
