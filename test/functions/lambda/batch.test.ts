// Stream batches: which records are handled, in which order, and which Lambda is told to send again.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { handleBatch } from "../../../functions/lambda/handle-batch.ts";
import { rowOfJob, rowOfPool } from "../../../shared/adapters/store/row-codec.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import type { Change } from "../../../shared/ports/store.ts";
import { aJob, aPool, aWorker, T0 } from "../../domain/builders.ts";
import { streamRecord } from "../../fakes/lambda/events.ts";
import { jobRecord, listLog, recordOf, workerRecord } from "./samples.ts";

const job = (name: string, version = 1) => ({ ...aJob({ version }), id: jobId(`gh-${name}`) });

/** Handles as `fails` says, by item and version. */
function under(fails: (item: string, version: number) => boolean = () => false) {
  const handled: string[] = [];
  const log = listLog();
  const handle = async (change: Change): Promise<void> => {
    const { id, version } = change.kind === "job" ? change.job : change.worker;
    await new Promise((resolve) => setImmediate(resolve));
    if (fails(id, version)) throw new Error(`no ${id} ${version}`);
    handled.push(`${id}@${version}`);
  };
  return { deps: { handle, log }, handled, log };
}

const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => (a < b ? -1 : 1));
const failuresOf = (answer: { batchItemFailures: { itemIdentifier: string }[] }) =>
  sorted(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));

describe("handleBatch", () => {
  test("handles every change of jobs and workers and answers no failure", async () => {
    const { deps, handled } = under();
    const records = [jobRecord("1", job("a")), workerRecord("2", aWorker()), jobRecord("3", job("a", 2))];
    expect(await handleBatch(deps, records)).toEqual({ batchItemFailures: [] });
    expect(sorted(handled)).toEqual(["gh-a@1", "gh-a@2", `${aWorker().id}@1`]);
  });

  test("a failed record takes the later ones of its item with it, and no other item's", async () => {
    const { deps, handled, log } = under((item, version) => item === "gh-a" && version === 2);
    const records = [
      jobRecord("11", job("a", 1)),
      jobRecord("12", job("b", 1)),
      jobRecord("13", job("a", 2)),
      jobRecord("14", job("a", 3)),
      jobRecord("15", job("b", 2)),
    ];
    expect(failuresOf(await handleBatch(deps, records))).toEqual(["13", "14"]);
    expect(sorted(handled)).toEqual(["gh-a@1", "gh-b@1", "gh-b@2"]);
    expect(log.lines).toMatchObject([{ level: "error", event: "change-failed", job: "gh-a", count: 2 }]);
  });

  test("records that cannot be read are logged and skipped; the rest of the batch and of the item goes on", async () => {
    const { deps, handled, log } = under();
    const row = rowOfJob(job("a"), T0);
    const records = [
      recordOf("1", { ...row, data: "{broken" }),
      recordOf("2", row, { schema: { N: "99" } }),
      recordOf("5", { ...row, data: "null" }),
      streamRecord({
        sequence: "3",
        keys: { pk: { S: "job#x" } },
        image: { pk: { S: "job#x" }, kind: { S: "job" } },
      }),
      jobRecord("4", job("a", 2)),
    ];
    expect(await handleBatch(deps, records)).toEqual({ batchItemFailures: [] });
    expect(handled).toEqual(["gh-a@2"]);
    expect(log.lines.map(({ event, message }) => [event, message?.match(/record (\d)/)?.[1]])).toEqual([
      ["record-skipped", "1"],
      ["record-skipped", "2"],
      ["record-skipped", "5"],
      ["record-skipped", "3"],
    ]);
  });

  test("other rows, heartbeats and deletions are nobody's", async () => {
    const { deps, handled } = under();
    const row = rowOfJob(job("a"), T0);
    const gone = streamRecord({ sequence: "3", keys: { pk: { S: row.pk } }, eventName: "REMOVE" });
    const records = [recordOf("1", rowOfPool(aPool())), recordOf("2", row, { quiet: { N: "1" } }), gone, {}];
    expect(await handleBatch(deps, records)).toEqual({ batchItemFailures: [] });
    expect(handled).toEqual([]);
  });

  test("a failed record without a number makes Lambda repeat the whole batch", async () => {
    const { deps } = under(() => true);
    const { dynamodb, ...rest } = jobRecord("1", job("a"));
    const { SequenceNumber: _none, ...unnumbered } = dynamodb ?? {};
    const answer = await handleBatch(deps, [{ ...rest, dynamodb: unnumbered }]);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "" }] });
  });

  test("a slow item does not hold up another", async () => {
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const handle = async (change: Change): Promise<void> => {
      if (change.kind === "job" && change.job.id === "gh-slow") await slow;
      else release();
    };
    const records = [jobRecord("1", job("slow")), jobRecord("2", job("quick"))];
    expect(await handleBatch({ handle, log: listLog() }, records)).toEqual({ batchItemFailures: [] });
  });

  test("what may wait comes after every item, for what was handled; a fault there fails no record", async () => {
    const { deps, handled, log } = under((item) => item === "gh-b");
    const followed: string[] = [];
    const afterwards = async (change: Change): Promise<void> => {
      if (change.kind === "job") followed.push(`${change.job.id} after ${handled.length}`);
      if (change.kind === "job" && change.job.id === "gh-c") throw new Error("the receiver's store is away");
    };
    const records = ["a", "b", "c"].map((name, at) => jobRecord(String(at), job(name)));
    expect(failuresOf(await handleBatch({ ...deps, afterwards }, records))).toEqual(["1"]);
    expect(sorted(followed)).toEqual(["gh-a after 2", "gh-c after 2"]);
    expect(log.lines.map(({ event, job: id }) => [event, id])).toEqual([
      ["change-failed", "gh-b"],
      ["change-not-followed", "gh-c"],
    ]);
  });

  test("property: each record is handled or named, and each item's records in order up to its first failure", async () => {
    const shape = fc.array(fc.record({ item: fc.constantFrom("a", "b", "c", "d"), fails: fc.boolean() }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(shape, async (steps) => {
        const { deps, handled } = under((_, version) => steps[version]?.fails === true);
        const records = steps.map(({ item }, at) => jobRecord(String(100 + at), job(item, at)));
        const failed = new Set(failuresOf(await handleBatch(deps, records)));
        for (const item of ["a", "b", "c", "d"]) {
          const own = steps.flatMap((step, at) => (step.item === item ? [at] : []));
          const first = own.findIndex((at) => steps[at]?.fails);
          const good = first < 0 ? own : own.slice(0, first);
          expect(handled.filter((one) => one.startsWith(`gh-${item}@`))).toEqual(
            good.map((at) => `gh-${item}@${at}`),
          );
          expect(own.filter((at) => failed.has(String(100 + at)))).toEqual(first < 0 ? [] : own.slice(first));
        }
      }),
      { numRuns: 60 },
    );
  });
});
