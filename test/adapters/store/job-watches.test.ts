// Long polls of one process are woken by the write they wait for, also by one that came before they looked.
import { expect, test } from "vitest";
import { createJobWatches } from "../../../shared/adapters/store/job-watches.ts";
import { jobId } from "../../../shared/domain/ids.ts";
import { aWorker } from "../../domain/builders.ts";
import { API_JOB_ID, anApiJob } from "../../domain/job/api-builders.ts";

const MINUTE_MS = 60_000;
const never = new AbortController().signal;
const change = { kind: "job", job: anApiJob() } as const;

test("a change wakes all who watch that job", async () => {
  const watches = createJobWatches();
  const both = [watches.watch(API_JOB_ID), watches.watch(API_JOB_ID)];
  const woken = Promise.all(both.map((watch) => watch.next(MINUTE_MS, never)));
  watches.notice({ kind: "worker", worker: aWorker() });
  watches.notice(change);
  await woken;
});

test("a change before the wait is not missed, and is told once", async () => {
  const watches = createJobWatches();
  const watch = watches.watch(API_JOB_ID);
  watches.notice(change);
  await watch.next(MINUTE_MS, never);
  const began = performance.now();
  await watch.next(20, never);
  expect(performance.now() - began).toBeGreaterThan(10);
});

test("another job's change, and one after the end of the watch, wake nobody", async () => {
  const watches = createJobWatches();
  const watch = watches.watch(jobId("other-e1"));
  const closed = watches.watch(API_JOB_ID);
  closed.close();
  watches.notice(change);
  const waits = Promise.all([watch.next(20, never), closed.next(20, never)]);
  const began = performance.now();
  await waits;
  expect(performance.now() - began).toBeGreaterThan(10);
});

test("a caller who goes does not wait, and one who has gone neither", async () => {
  const watches = createJobWatches();
  const watch = watches.watch(API_JOB_ID);
  const caller = new AbortController();
  const waiting = watch.next(MINUTE_MS, caller.signal);
  caller.abort();
  await waiting;
  await watch.next(MINUTE_MS, caller.signal);
});
