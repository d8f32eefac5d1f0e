// Lambda entry: what the table's stream tells sets jobs and workers in motion.
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import type { Change } from "../shared/ports/store.ts";
import { createSendAtOnce } from "../shared/usecases/client-plane/send-at-once.ts";
import { handleChange } from "../shared/usecases/handle-change.ts";
import { handleBatch } from "./lambda/handle-batch.ts";
import { once } from "./lambda/once.ts";
import { openDispatcher } from "./lambda/open-dispatcher.ts";

const open = once(async () => {
  const { deps } = await openDispatcher(process.env, import.meta.dirname);
  return { deps, sendAtOnce: createSendAtOnce(deps) };
});

/** Answers the sequence numbers to send again. Rejects when it cannot start: the whole batch is sent again. */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const { deps, sendAtOnce } = await open();
  const handle = (change: Change) => handleChange(deps, change);
  return handleBatch({ handle, afterwards: sendAtOnce, log: deps.log }, event.Records);
}
