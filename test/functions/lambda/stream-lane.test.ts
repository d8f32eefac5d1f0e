// The stand-in for an event source mapping: order, retries, bisection and the last resort.
import type { DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import { describe, expect, test } from "vitest";
import { until } from "../../e2e/until.ts";
import { streamRecord } from "../../fakes/lambda/events.ts";
import { matchesAny } from "../../fakes/lambda/filter-pattern.ts";
import type { Invocation } from "../../fakes/lambda/lambda.ts";
import { createStreamLane } from "../../fakes/lambda/stream-lane.ts";

const record = (sequence: string, at?: number) =>
  streamRecord({ sequence, keys: { pk: { S: `item-${sequence}` } }, ...(at !== undefined && { at }) });

const ok: Invocation = { type: "answered", result: { batchItemFailures: [] } };
const failing = (...sequences: string[]): Invocation => ({
  type: "answered",
  result: { batchItemFailures: sequences.map((itemIdentifier) => ({ itemIdentifier })) },
});

/** Runs records through a lane whose function answers as told; the last answer repeats. */
async function run(
  records: readonly DynamoDBRecord[],
  answers: readonly Invocation[],
  repeats = { repeatShare: 0, chance: () => 0.5 },
) {
  const batches: string[][] = [];
  const given: string[] = [];
  const stats = { batches: 0, repeats: 0, retries: 0, discarded: 0 };
  const lane = createStreamLane({
    settings: {
      batchSize: 4,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 2,
      maximumRecordAgeInSeconds: 60,
    },
    invoke: async (event) => {
      const { Records } = event as DynamoDBStreamEvent;
      batches.push(Records.map(sequenceOf));
      return answers[batches.length - 1] ?? answers.at(-1) ?? ok;
    },
    onFailure: (lost) => given.push(...lost.map(sequenceOf)),
    ...repeats,
    retryMs: 1,
    stats,
  });
  lane.push(records);
  let seen = -1;
  await until("the lane to be still", () => {
    const still = seen === batches.length && batches.length > 0;
    seen = batches.length;
    return still;
  });
  await lane.stop();
  return { batches, given, stats };
}

const sequenceOf = (one: DynamoDBRecord) => one.dynamodb?.SequenceNumber ?? "";
const FIVE = ["1", "2", "3", "4", "5"].map((sequence) => record(sequence));

describe("a lane", () => {
  test("delivers in order, in batches", async () => {
    const { batches } = await run(FIVE, [ok]);
    expect(batches).toEqual([["1", "2", "3", "4"], ["5"]]);
  });

  test("goes on from the lowest failed sequence number, in smaller batches", async () => {
    const { batches, stats } = await run(FIVE, [failing("4", "3"), ok]);
    expect(batches).toEqual([["1", "2", "3", "4"], ["3", "4"], ["5"]]);
    expect(stats).toMatchObject({ retries: 1, discarded: 0 });
  });

  test.each([
    ["a handler that rejects", { type: "failed", errorType: "E", errorMessage: "" } as const],
    ["a crash", { type: "crashed", errorType: "E", errorMessage: "" } as const],
    ["a time-out", { type: "timed-out", errorMessage: "" } as const],
    ["a number that is not in the batch", failing("99")],
    ["an empty number", failing("")],
  ])("%s fails the whole batch", async (_name, outcome) => {
    const { batches } = await run(FIVE, [outcome, ok]);
    expect(batches.slice(0, 2)).toEqual([
      ["1", "2", "3", "4"],
      ["1", "2"],
    ]);
    expect(batches.flat().filter((sequence) => sequence === "5")).toEqual(["5"]);
  });

  test("gives up after the last retry, tells so, and goes on", async () => {
    const { batches, given, stats } = await run(FIVE, [failing("1"), failing("1"), failing("1"), ok]);
    expect(batches).toEqual([["1", "2", "3", "4"], ["1", "2"], ["1"], ["2"], ["3", "4", "5"]]);
    expect([given, stats.discarded]).toEqual([["1"], 1]);
  });

  test("being throttled is no attempt", async () => {
    const throttled = Array<Invocation>(5).fill({ type: "throttled" });
    const { given, batches } = await run(FIVE, [...throttled, ok]);
    expect([given, batches.at(-1)]).toEqual([[], ["5"]]);
  });

  test("records that are too old are given up unread", async () => {
    const { batches, given } = await run([record("1", Date.now() - 120_000), record("2")], [ok]);
    expect([batches, given]).toEqual([[["2"]], ["1"]]);
  });

  test("a batch may come twice though it succeeded", async () => {
    const chances = [0, 0.9, 0.9];
    const { batches, stats } = await run(FIVE, [ok], {
      repeatShare: 0.5,
      chance: () => chances.shift() ?? 0.9,
    });
    expect(batches).toEqual([["1", "2", "3", "4"], ["1", "2", "3", "4"], ["5"]]);
    expect(stats.repeats).toBe(1);
  });
});

describe("filter patterns", () => {
  const patterns = [
    { eventName: ["INSERT"], dynamodb: { NewImage: { q: { N: [{ exists: false }] } } } },
  ] as const;

  test.each([
    [{ eventName: "INSERT", dynamodb: { NewImage: { pk: { S: "a" } } } }, true],
    [{ eventName: "INSERT", dynamodb: { NewImage: { q: { N: "1" } } } }, false],
    [{ eventName: "REMOVE", dynamodb: {} }, false],
    [{ eventName: "INSERT" }, true],
  ])("%j matches: %s", (value, expected) => {
    expect(matchesAny(patterns as never, value)).toBe(expected);
  });

  test("an operator that is not known throws", () => {
    expect(() => matchesAny([{ a: [{ wildcard: "*" }] }] as never, { a: "b" })).toThrow(/not understood/);
  });
});
