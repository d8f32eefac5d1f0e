// A batch of the table's stream: each record to the change it tells, and back which of them failed.
import type { DynamoDBBatchResponse, DynamoDBRecord } from "aws-lambda";
import { changeOfRecord } from "../../shared/adapters/dynamodb/change-of-record.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { Change } from "../../shared/ports/store.ts";

export type BatchDeps = {
  readonly handle: (change: Change) => Promise<void>;
  /** What may wait until all of them are handled, and which the reconciler makes good: a fault in it fails no record. */
  readonly afterwards?: (change: Change) => Promise<void>;
  readonly log: Log;
};

/** Items handled side by side: stopping a container may take seconds, and others need not wait for it. */
const AT_ONCE = 16;

/**
 * Records of one item in order; after one that failed its later ones count as failed too. Lambda then sends again
 * everything from the lowest failed sequence number on, those that succeeded in between as well: handlers look at the
 * present state, so a repetition is harmless. A record that cannot be read is logged and skipped; it would never succeed.
 */
export async function handleBatch(
  deps: BatchDeps,
  records: readonly DynamoDBRecord[],
): Promise<DynamoDBBatchResponse> {
  const items = [...Map.groupBy(records, keyOf).values()];
  const failed: DynamoDBRecord[] = [];
  const handled: Change[] = [];
  const handleNext = async (): Promise<void> => {
    for (let item = items.shift(); item !== undefined; item = items.shift()) {
      failed.push(...(await handleItem(deps, item, handled)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, handleNext));
  await Promise.all(handled.map((change) => follow(deps, change)));
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: sequenceOf(record) })) };
}

/** Answers the records that failed. */
async function handleItem(
  deps: BatchDeps,
  records: readonly DynamoDBRecord[],
  handled: Change[],
): Promise<DynamoDBRecord[]> {
  for (const [at, record] of records.entries()) {
    const change = read(deps, record);
    if (change === undefined) continue;
    try {
      await deps.handle(change);
      handled.push(change);
    } catch (error) {
      const rest = records.slice(at);
      deps.log.error("change-failed", { ...idsOf(change), count: rest.length, error });
      return rest;
    }
  }
  return [];
}

async function follow({ afterwards, log }: BatchDeps, change: Change): Promise<void> {
  try {
    await afterwards?.(change);
  } catch (error) {
    log.error("change-not-followed", { ...idsOf(change), error });
  }
}

function read(deps: BatchDeps, record: DynamoDBRecord): Change | undefined {
  try {
    return changeOfRecord(record);
  } catch (error) {
    deps.log.error("record-skipped", {
      message: `stream record ${sequenceOf(record)} of ${keyOf(record)}`,
      error,
    });
    return undefined;
  }
}

function keyOf(record: DynamoDBRecord): string {
  const { pk } = record.dynamodb?.Keys ?? {};
  return pk?.S ?? "";
}

/** Without a number Lambda takes the whole batch for failed, which is the safe reading of a broken record. */
function sequenceOf(record: DynamoDBRecord): string {
  return record.dynamodb?.SequenceNumber ?? "";
}

function idsOf(change: Change): { job?: string; worker?: string } {
  return change.kind === "job" ? { job: change.job.id } : { worker: change.worker.id };
}
