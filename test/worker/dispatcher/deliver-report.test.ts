import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { REPORT_RETRY_MS } from "../../../shared/domain/deadlines.ts";
import type { WorkerReport } from "../../../shared/domain/worker-report.ts";
import { reportOf } from "../../../shared/protocol/report.ts";
import { type JobDone, jobDone, workerOutput } from "../../../shared/protocol/worker-plane.ts";
import type { Refusal } from "../../../worker/dispatcher/ask-until.ts";
import { deliverReport, jobDoneBody } from "../../../worker/dispatcher/deliver-report.ts";
import { createHeartbeats } from "../../../worker/dispatcher/heartbeat.ts";
import { createKeptLog } from "../support/kept-log.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

const REPORT: WorkerReport = {
  outcome: "ran",
  message: "Ran build: result Succeeded.",
  runnerExit: { code: undefined, signal: "SIGKILL" },
  jobName: "build",
  result: "Succeeded",
};

let workDir = "";
beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), "npd-report-"));
});
afterEach(() => rmSync(workDir, { recursive: true }));

async function deliver(
  done: () => Promise<{ type: "accepted" } | Refusal>,
  signal = new AbortController().signal,
) {
  const clock = createVirtualClock();
  const log = createKeptLog();
  const bodies: JobDone[] = [];
  const client = {
    async done(_jobId: string, body: JobDone) {
      // A crash from here on must leave the result.
      expect(JSON.parse(readFileSync(join(workDir, "result.json"), "utf8"))).toEqual(body);
      bodies.push(body);
      return await done();
    },
  };
  const startedAt = clock.now();
  const delivered = await deliverReport(
    { client, clock, log, random: () => 0.5, workDir, resultFile: undefined },
    "gh-7",
    REPORT,
    signal,
  );
  return {
    delivered,
    bodies,
    tookMs: clock.now() - startedAt,
    left: existsSync(join(workDir, "result.json")),
  };
}

describe("the report", () => {
  it("is tried for 10 minutes and then left on disk", async () => {
    const { delivered, bodies, tookMs, left } = await deliver(() =>
      Promise.reject(new Error("ECONNREFUSED")),
    );
    expect({ delivered, left }).toEqual({ delivered: false, left: true });
    expect(tookMs).toBeLessThanOrEqual(REPORT_RETRY_MS);
    expect(tookMs).toBeGreaterThan(REPORT_RETRY_MS - 15_000);
    expect(bodies.length).toBeGreaterThan(40);
  });

  it("is delivered when the dispatcher is back, and nothing is left", async () => {
    let tries = 0;
    const { delivered, left } = await deliver(async () => {
      tries += 1;
      if (tries < 5) throw new Error("ECONNREFUSED");
      return { type: "accepted" };
    });
    expect({ delivered, left, tries }).toEqual({ delivered: true, left: false, tries: 5 });
  });

  it("that is refused for good is left on disk at once", async () => {
    const { tookMs, left } = await deliver(async () => ({ type: "refused", message: "no" }));
    expect({ tookMs, left }).toEqual({ tookMs: 0, left: true });
  });

  it("is not tried again when the worker is hurried", async () => {
    const { bodies } = await deliver(() => Promise.reject(new Error("aborted")), AbortSignal.abort());
    expect(bodies).toHaveLength(1);
  });

  it("that cannot be written is sent all the same", async () => {
    const log = createKeptLog();
    const deps = {
      clock: createVirtualClock(),
      log,
      random: () => 0.5,
      workDir: join(workDir, "none"),
      resultFile: undefined,
    };
    const client = { done: async () => ({ type: "accepted" as const }) };
    expect(await deliverReport({ ...deps, client }, "gh-7", REPORT, new AbortController().signal)).toBe(true);
    expect(log.events.map(({ event }) => event)).toEqual(["result-not-kept"]);
  });

  it("has the protocol's shape, with an error for what failed", () => {
    for (const outcome of ["ran", "idle", "no-runner", "cancelled"] as const) {
      const body = jobDone.parse(jobDoneBody({ ...REPORT, outcome }));
      expect(workerOutput.parse(body.output)).toEqual(body.output);
      expect(body.error).toBe(outcome === "ran" || outcome === "idle" ? undefined : REPORT.message);
      expect(body.stopPod).toBe(true);
    }
  });

  it("names the cards in trouble where it knows them", () => {
    const report = { ...REPORT, outcome: "preflight-failed", badCards: ["6"] } as const;
    expect(reportOf(jobDone.parse(jobDoneBody(report)))).toMatchObject({ badCards: ["6"] });
  });
});

it("pings go on while the dispatcher is silent, with one warning a minute", async () => {
  const clock = createVirtualClock();
  const log = createKeptLog();
  let pings = 0;
  let heard = "";
  const heartbeats = createHeartbeats({
    client: {
      async ping() {
        pings += 1;
        if (pings <= 30) throw new Error("ECONNREFUSED");
        return { drain: "surplus" };
      },
    },
    clock,
    log,
    intervalMs: 10_000,
    onDrain: (reason) => {
      heard = reason;
      void heartbeats.stop();
    },
  });
  heartbeats.beat({ jobId: "gh-7", phase: "running", jobName: "build", started: undefined });
  await expect.poll(() => heard).toBe("surplus");
  // 30 failures in 5 minutes.
  expect(log.events.map(({ event }) => event)).toEqual(Array(5).fill("ping-failed"));
  expect(pings).toBe(31);
});
