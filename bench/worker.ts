// What a worker costs by itself: its boot up to the runner's first line, its memory, its size. No config.sh: a JIT config.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startDispatcher } from "../test/worker/support/dispatcher-stub.ts";
import { startWorker } from "../test/worker/support/start-worker.ts";
import { percentile } from "./percentile.ts";

const BUNDLE = join(import.meta.dirname, "..", "dist", "worker", "main.mjs");
const RUNS = 20;
const FIRST_LINE = "Connected to GitHub";
const KB_PER_MB = 1_024;

/**
 * `firstLineP50Ms`, `firstLineP95Ms`: from the spawn of the worker to the runner's first line in the worker's output;
 * the runner is a shell script. `peakRssMb`: the largest resident set of any run (VmHWM).
 */
export async function run(): Promise<Record<string, number>> {
  const times: number[] = [];
  const peaks: number[] = [];
  for (let index = 0; index < RUNS; index++) {
    await using dispatcher = await startDispatcher({ registration: "jit" });
    const startedAt = performance.now();
    await using worker = startWorker(dispatcher, { entry: BUNDLE });
    await new Promise<void>((resolve, reject) => {
      worker.child.stdout?.on("data", () => {
        if (worker.output().includes(FIRST_LINE)) resolve();
      });
      worker.child.once("close", () => reject(new Error(worker.output())));
    });
    times.push(performance.now() - startedAt);
    peaks.push(peakRss(worker.child.pid));
    await worker.exit;
  }
  return {
    firstLineP50Ms: percentile(times, 0.5),
    firstLineP95Ms: percentile(times, 0.95),
    peakRssMb: Math.max(...peaks),
    bundleKb: Math.round(statSync(BUNDLE).size / 1_000),
    runs: RUNS,
  };
}

function peakRss(pid: number | undefined): number {
  const kb = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kb) / KB_PER_MB);
}
