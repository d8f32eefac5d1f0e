// A record of the table's stream to the change that it tells.
import type { Job } from "../../domain/job/job.ts";
import type { Change } from "../../ports/store.ts";
import { nounOf, workerOfRow } from "../store/row-codec.ts";
import { type Item, toRow, unmarshal } from "./item.ts";

/** What we read of a stream record, as Lambda passes it. */
export type StreamRecord = {
  readonly eventName?: string | undefined;
  readonly dynamodb?: { readonly NewImage?: Item | undefined } | undefined;
};

/** undefined: nothing that anyone waits for (another kind of row, a heartbeat, a deletion by TTL). Throws StoreError. */
export function changeOfRecord(record: StreamRecord): Change | undefined {
  const image = record.dynamodb?.NewImage;
  if (image === undefined || record.eventName === "REMOVE" || "quiet" in image) return undefined;
  const kind = unmarshal(image).kind;
  if (kind === "job") return { kind, job: nounOf<Job>(toRow(image)) };
  if (kind === "worker") return { kind, worker: workerOfRow(toRow(image)) };
  return undefined;
}
