// Samples for the functions: stream images of our own rows, a signed delivery, a packed configuration.
import { createHmac } from "node:crypto";
import examples from "@octokit/webhooks-examples";
import type { DynamoDBRecord } from "aws-lambda";
import { toItem } from "../../../shared/adapters/dynamodb/item.ts";
import { type RowDraft, rowOfJob, rowOfWorker } from "../../../shared/adapters/store/row-codec.ts";
import { type PackedConfig, toPacked } from "../../../shared/config/packed.ts";
import { parseConfig } from "../../../shared/config/parse.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import type { Worker } from "../../../shared/domain/worker/worker.ts";
import type { LogFields } from "../../../shared/ports/log.ts";
import { T0 } from "../../domain/builders.ts";
import { type HttpCall, type Image, streamRecord } from "../../fakes/lambda/events.ts";

export const WEBHOOK_SECRET = "webhook-secret-1";

function imageOf(row: RowDraft): Image {
  return toItem({ ...row, writeId: "w1" }) as Image;
}

export function jobRecord(sequence: string, job: Job): DynamoDBRecord {
  return recordOf(sequence, rowOfJob(job, T0));
}

export function workerRecord(sequence: string, worker: Worker): DynamoDBRecord {
  return recordOf(sequence, rowOfWorker(worker, T0));
}

export function recordOf(sequence: string, row: RowDraft, more: Image = {}): DynamoDBRecord {
  return streamRecord({ sequence, keys: { pk: { S: row.pk } }, image: { ...imageOf(row), ...more } });
}

type Json = { readonly [key: string]: unknown };

/** GitHub's published `queued` example for a label of ours, signed. */
export function delivery(
  id: number,
  { secret = WEBHOOK_SECRET, label = "linux-arm64-npu-1" } = {},
): HttpCall & { body: Buffer } {
  const events = examples as unknown as {
    name: string;
    examples: (Json & { action: string; workflow_job: Json })[];
  }[];
  const queued = events
    .find(({ name }) => name === "workflow_job")
    ?.examples.find(({ action }) => action === "queued");
  const labels = [label];
  const text = JSON.stringify({ ...queued, workflow_job: { ...queued?.workflow_job, id, labels } });
  const body = Buffer.from(text);
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  return {
    method: "POST",
    url: "/webhooks/github",
    headers: {
      "Content-Type": "application/json",
      "X-GitHub-Event": "workflow_job",
      "X-GitHub-Delivery": `d-${id}`,
      "X-Hub-Signature-256": `sha256=${signature}`,
      Host: "api.example.org",
    },
    body,
  };
}

export function packedConfig(): PackedConfig {
  const parsed = parseConfig(`
pools: { local: { driver: local, kind: npu, cards: 8 } }
endpoints: [{ name: "linux-arm64-npu-{npus}", npus: [1, 2], pool: local }]
callbacks: { allow: ["127.0.0.1"] }
`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return toPacked(parsed.config);
}

type LogLine = LogFields & { readonly level: string; readonly event: string };

export function listLog() {
  const lines: LogLine[] = [];
  const at = (level: string) => (event: string, fields?: LogFields) =>
    void lines.push({ level, event, ...fields });
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
