// From an accepted delivery to a worker process that exists: one job at a time in flight per card, real processes.

import { see } from "../scripts/demo/observe.ts";
import { startDemoProcess } from "../scripts/demo/process.ts";
import { DEMO_ORG } from "../scripts/demo/run.ts";
import type { JobId } from "../shared/domain/ids.ts";
import { githubJobId } from "../shared/domain/ids.ts";
import { percentile } from "./percentile.ts";

const JOBS = 100;
const POLL_MS = 10;
const LIMIT_MS = 60_000;

/**
 * `p50Ms`, `p95Ms`: from our own record of the accepted delivery to the driver's "started", which it says once the
 * process is spawned. `takeP95Ms`: to the worker's first call, its boot included.
 */
export async function run(): Promise<Record<string, number>> {
  const { github, stores, pool, close } = await startDemoProcess({
    store: "sqlite",
    log: () => {},
  });
  const started: number[] = [];
  const taken: number[] = [];
  try {
    for (let job = 0; job < JOBS; job++) {
      const { id } = github.queueWorkflowJob({
        owner: DEMO_ORG,
        repo: "demo-repo",
        labels: ["linux-arm64-npu-1"],
        run: ["true"],
      });
      const phases = await untilDone(stores, githubJobId(id));
      started.push(phases.booting ?? Number.NaN);
      taken.push(phases.preflight ?? Number.NaN);
    }
    // The last worker is still ending; it must find its dispatcher.
    while ((await pool.list()).length > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  } finally {
    await close();
  }
  return {
    p50Ms: percentile(started, 0.5),
    p95Ms: percentile(started, 0.95),
    takeP95Ms: percentile(taken, 0.95),
    jobs: started.length,
  };
}

async function untilDone(stores: Parameters<typeof see>[0], id: JobId) {
  const limit = Date.now() + LIMIT_MS;
  for (;;) {
    const seen = await see(stores, id);
    if (seen?.job.end !== undefined && seen.phasesMs.preflight !== undefined) return seen.phasesMs;
    if (Date.now() > limit) {
      throw new Error(`${id} has not ended within ${LIMIT_MS} ms: ${JSON.stringify(seen)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
