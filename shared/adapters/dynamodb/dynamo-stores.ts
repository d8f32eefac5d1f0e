// The store of the serverless deployment: one DynamoDB table, or one of a compatible server.
import type { Clock } from "../../ports/clock.ts";
import type { Stores } from "../../ports/store.ts";
import { createStores } from "../store/stores.ts";
import type { DynamoCall } from "./call.ts";
import { createDynamoRows } from "./dynamo-rows.ts";

/** Changes are told by the table's stream, see change-of-record.ts. */
export function createDynamoStores(deps: {
  readonly call: DynamoCall;
  readonly table: string;
  readonly clock: Clock;
}): Stores {
  return createStores(createDynamoRows(deps.call, deps.table), { clock: deps.clock });
}
