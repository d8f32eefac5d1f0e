// Lambda entry: what the table's stream tells sets jobs and workers in motion.
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { handleChange } from "../shared/usecases/handle-change.ts";
import { handleBatch } from "./lambda/handle-batch.ts";
import { once } from "./lambda/once.ts";
import { openDispatcher } from "./lambda/open-dispatcher.ts";

const open = once(() => openDispatcher(process.env, import.meta.dirname));

/** Answers the sequence numbers to send again. Rejects when it cannot start: the whole batch is sent again. */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const { deps } = await open();
  return handleBatch({ handle: (change) => handleChange(deps, change), log: deps.log }, event.Records);
}
