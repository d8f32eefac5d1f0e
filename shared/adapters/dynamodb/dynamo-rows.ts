// Rows in a DynamoDB table: strongly consistent gets and conditional writes of one item.
import { StoreError } from "../../ports/store.ts";
import type { Rows } from "../store/rows.ts";
import {
  CONDITION_FAILED,
  type DynamoCall,
  DynamoFault,
  type DynamoInput,
  type DynamoOperation,
  type DynamoOutput,
} from "./call.ts";
import { toRow } from "./item.ts";
import { createListings } from "./listings.ts";
import { storeError } from "./store-error.ts";
import { bumpRow, createRow, replaceRow, touchRow } from "./writes.ts";

/** `refused-after-doubt`: an earlier attempt of the same call may have been applied, and so have failed this one. */
type WriteAnswer = "applied" | "refused" | "refused-after-doubt";

export function createDynamoRows(call: DynamoCall, table: string): Rows {
  return {
    async get(pk) {
      const { Item } = await ask("GetItem", { Key: { pk: { S: pk } }, ConsistentRead: true });
      return Item === undefined ? undefined : toRow(Item);
    },
    async put(row, condition) {
      const answer =
        "version" in condition
          ? await write("UpdateItem", replaceRow(row, condition.version))
          : await write("PutItem", createRow(row, condition.absentAt));
      if (answer === "refused-after-doubt") throw doubt(row.pk);
      return answer === "applied";
    },
    // A beat does not change what its condition asks, so a refusal is one even after a doubt.
    touch: async (pk, beat) => (await write("UpdateItem", touchRow(pk, beat))) === "applied",
    async bump(row) {
      await write("UpdateItem", bumpRow(row));
    },
    ...createListings(ask),
  };

  async function write(operation: DynamoOperation, input: DynamoInput): Promise<WriteAnswer> {
    try {
      await call(operation, { TableName: table, ...input });
      return "applied";
    } catch (error) {
      if (!(error instanceof DynamoFault) || error.code !== CONDITION_FAILED) {
        throw storeError(error, operation, table);
      }
      return error.effectUnknown ? "refused-after-doubt" : "refused";
    }
  }

  async function ask(operation: DynamoOperation, input: DynamoInput): Promise<DynamoOutput> {
    try {
      return await call(operation, { TableName: table, ...input });
    } catch (error) {
      throw storeError(error, operation, table);
    }
  }
}

function doubt(pk: string): StoreError {
  return new StoreError(
    `The answer to a write of ${pk} was lost, and its repetition was refused. Try again.`,
    {
      retryable: true,
    },
  );
}
