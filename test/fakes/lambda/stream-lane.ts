// Delivers one lane of a stream in order, as an event source mapping does: batches, retries, bisection, a last resort.
import { setTimeout as sleep } from "node:timers/promises";
import type { DynamoDBRecord } from "aws-lambda";
import type { StreamSettings } from "./deployment.ts";
import { streamEvent } from "./events.ts";
import type { Invocation } from "./lambda.ts";

export type LaneStats = { batches: number; repeats: number; retries: number; discarded: number };

export type LaneOptions = {
  readonly settings: Pick<
    StreamSettings,
    "batchSize" | "bisectBatchOnFunctionError" | "maximumRetryAttempts" | "maximumRecordAgeInSeconds"
  >;
  readonly invoke: (event: unknown) => Promise<Invocation>;
  readonly onFailure: (records: readonly DynamoDBRecord[]) => void;
  readonly chance: () => number;
  /** Share of batches that come a second time though they succeeded: delivery is at least once. */
  readonly repeatShare: number;
  readonly retryMs: number;
  readonly stats: LaneStats;
};

export type StreamLane = { push(records: readonly DynamoDBRecord[]): void; stop(): Promise<void> };

export function createStreamLane(options: LaneOptions): StreamLane {
  const { settings, stats } = options;
  const queue: DynamoDBRecord[] = [];
  let running: Promise<void> | undefined;
  let stopped = false;
  let size = settings.batchSize;
  let attempts = 0;

  async function drain(): Promise<void> {
    while (queue.length > 0 && !stopped) {
      const batch = queue.slice(0, size);
      if (isOld(batch[0])) discard(1);
      else settle(batch, await deliver(batch));
      if (attempts > 0) await sleep(options.retryMs * attempts);
    }
  }

  /** How many records from the first on need not come again; undefined: Lambda had no room, which is no attempt. */
  async function deliver(batch: readonly DynamoDBRecord[]): Promise<number | undefined> {
    stats.batches++;
    const outcome = await options.invoke(streamEvent(batch));
    if (outcome.type === "throttled") return undefined;
    const done = outcome.type === "answered" ? firstFailed(batch, outcome.result) : 0;
    if (done < batch.length || options.chance() >= options.repeatShare) return done;
    stats.repeats++;
    return deliver(batch);
  }

  function settle(batch: readonly DynamoDBRecord[], done: number | undefined): void {
    if (done === undefined) {
      attempts = Math.max(attempts, 1);
      return;
    }
    queue.splice(0, done);
    if (done === batch.length) {
      size = settings.batchSize;
      attempts = 0;
      return;
    }
    attempts = done > 0 ? 1 : attempts + 1;
    if (attempts > settings.maximumRetryAttempts) {
      discard(size);
      return;
    }
    stats.retries++;
    if (settings.bisectBatchOnFunctionError) size = Math.ceil(size / 2);
  }

  function discard(count: number): void {
    const given = queue.splice(0, count);
    stats.discarded += given.length;
    options.onFailure(given);
    attempts = 0;
  }

  function isOld(record: DynamoDBRecord | undefined): boolean {
    const at = record?.dynamodb?.ApproximateCreationDateTime ?? 0;
    return Date.now() / 1_000 - at > settings.maximumRecordAgeInSeconds;
  }

  return {
    push(records) {
      queue.push(...records);
      running ??= drain().finally(() => {
        running = undefined;
      });
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
}

type Answer = { readonly batchItemFailures?: readonly { readonly itemIdentifier?: string }[] | null } | null;

/** Lambda's reading: nothing named is success, a name that is not in the batch is a failure of all. */
function firstFailed(batch: readonly DynamoDBRecord[], result: unknown): number {
  const failures = (result as Answer)?.batchItemFailures ?? [];
  const places = failures.map(({ itemIdentifier }) =>
    batch.findIndex((record) => record.dynamodb?.SequenceNumber === itemIdentifier),
  );
  return Math.max(0, Math.min(batch.length, ...places));
}
