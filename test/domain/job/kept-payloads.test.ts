// What an ended job still has, and when it goes.
import { describe, expect, test } from "vitest";
import type { ApiSide } from "../../../shared/domain/job/api-job.ts";
import type { ApiEnd } from "../../../shared/domain/job/api-steps.ts";
import { endedApi } from "../../../shared/domain/job/api-steps.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { jobDueAt } from "../../../shared/domain/job/job.ts";
import { forgetAt, forgotten } from "../../../shared/domain/job/kept-payloads.ts";
import type { Payload } from "../../../shared/domain/job/payload.ts";
import { inlinePayload } from "../../../shared/domain/job/payload.ts";
import { T0 } from "../builders.ts";
import { anApiJob } from "./api-builders.ts";

const PARTS: Payload = { type: "parts", key: "in", count: 2, bytes: 300_000 };
const RESULT: Payload = { type: "parts", key: "out", count: 2, bytes: 300_000 };
const SMALL = inlinePayload('{"a":1}');
const BULKY = inlinePayload(JSON.stringify("x".repeat(5_000)));
const GONE = { type: "gone" };
const HALF_HOUR = 1_800_000;

function ended(
  state: ApiEnd["state"],
  input: Payload,
  output?: Payload,
  more: Partial<ApiSide> = {},
): Job & { api: ApiSide } {
  const job = anApiJob({});
  const api = { ...(job.api as ApiSide), callback: undefined, runner: undefined, ...more, input };
  const end = { state, reason: "succeeded", message: "", output } as const;
  return endedApi({ ...job, api }, end, T0) as Job & { api: ApiSide };
}

describe("the input in a job's own row", () => {
  test.each(["COMPLETED", "CANCELLED"] as const)("goes with the end: %s", (state) => {
    expect(ended(state, BULKY).api).toMatchObject({ input: GONE, sealedS3Config: undefined });
    expect(forgetAt(ended(state, BULKY))).toBeUndefined();
  });

  test.each(["FAILED", "TIMED_OUT"] as const)("stays for /retry: %s", (state) => {
    expect(ended(state, BULKY).api.input).toEqual(BULKY);
    expect(forgetAt(ended(state, BULKY))).toBe(T0 + HALF_HOUR);
    expect(forgotten(ended(state, BULKY), T0 + HALF_HOUR - 1).removed).toEqual([]);
    expect(forgotten(ended(state, BULKY), T0 + HALF_HOUR).api.input).toEqual(GONE);
  });

  test("costs no write of its own when it is small", () => {
    expect(forgetAt(ended("FAILED", SMALL, SMALL))).toBeUndefined();
  });
});

describe("an input in parts", () => {
  test("is due at once where nobody can retry", () => {
    const job = ended("COMPLETED", PARTS, RESULT);
    expect([forgetAt(job), jobDueAt(job)]).toEqual([T0, T0]);
    const { api, removed } = forgotten(job, T0);
    expect(removed).toEqual([PARTS]);
    expect([api.input, api.output]).toEqual([GONE, RESULT]);
    expect(forgetAt({ ...job, api })).toBe(T0 + HALF_HOUR);
  });

  test("of a failed job is due with its result", () => {
    const job = ended("FAILED", PARTS);
    expect(forgetAt(job)).toBe(T0 + HALF_HOUR);
    expect(forgotten(job, T0 + HALF_HOUR).removed).toEqual([PARTS]);
  });
});

test("the result goes when its time is over, that of /runsync after a minute", () => {
  expect(forgetAt(ended("COMPLETED", SMALL, BULKY, { kind: "sync" }))).toBe(T0 + 60_000);
  const { api, removed } = forgotten(ended("COMPLETED", SMALL, RESULT), T0 + HALF_HOUR);
  expect(removed).toEqual([GONE, RESULT]);
  expect(api.output).toEqual(GONE);
  expect(forgetAt({ state: "COMPLETED", api })).toBeUndefined();
});

test("but not while a callback has to tell it", () => {
  const callback = { url: "https://example.org", tries: 1, dueAt: undefined };
  const job = ended("COMPLETED", SMALL, RESULT, { callback });
  expect(job.api.callback?.dueAt).toBe(T0);
  expect([forgetAt(job), jobDueAt(job)]).toEqual([undefined, T0]);
  expect(forgotten(job, T0 + HALF_HOUR).removed).toEqual([]);
  const told = { ...job, api: { ...job.api, callback } };
  expect(jobDueAt(told)).toBe(T0 + HALF_HOUR);
});

test("a job that has not ended keeps all", () => {
  const job = anApiJob({}) as Job & { api: ApiSide };
  expect(forgetAt(job)).toBeUndefined();
  expect(forgotten(job, T0 + 99 * HALF_HOUR)).toEqual({ api: job.api, removed: [] });
});
