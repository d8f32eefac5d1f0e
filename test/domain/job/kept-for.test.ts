// `/status?ttl=`: how long a result is kept at most.
import { expect, test } from "vitest";
import { endedApi, keptFor } from "../../../shared/domain/job/api-steps.ts";
import { inlinePayload } from "../../../shared/domain/job/payload.ts";
import { aJob, T0 } from "../builders.ts";
import { anApiJob } from "./api-builders.ts";

const MINUTE_MS = 60_000;
const end = { state: "COMPLETED", reason: "succeeded", message: "", output: inlinePayload("1") } as const;

test("a result goes sooner when it is told so, before its end and after", () => {
  const asked = keptFor(anApiJob(), MINUTE_MS, T0);
  expect(endedApi(asked, end, T0).api?.expiresAt).toBe(T0 + MINUTE_MS);
  const ended = endedApi(anApiJob(), end, T0);
  expect(keptFor(ended, MINUTE_MS, T0 + 1).api?.expiresAt).toBe(T0 + 1 + MINUTE_MS);
});

test("never later than by itself, and a workflow job has none", () => {
  const week = 7 * 24 * 60 * MINUTE_MS;
  for (const job of [anApiJob(), endedApi(anApiJob(), end, T0), aJob()])
    expect(keptFor(job, week, T0)).toBe(job);
});
