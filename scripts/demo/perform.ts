// The demo that was asked for, and what it prints.
import { runApiDemo } from "./api.ts";
import { startDemoCloud } from "./cloud.ts";
import { demoConfig } from "./config.ts";
import type { DemoOptions } from "./options.ts";
import { startDemoProcess } from "./process.ts";
import type { DemoResult } from "./run.ts";
import { DEMO_POOL, runDemo } from "./run.ts";

type Print = (line: string) => void;

export async function performDemo(options: DemoOptions): Promise<DemoResult> {
  const print: Print = (line) => (options.json ? undefined : console.log(line));
  const result = await run(options, print);
  const { ok, jobs, left, cards } = result;
  print("");
  print(`left: ${left.workers} workers, ${left.runners} runner registrations, ${left.cards} cards held`);
  print(`most cards held at once: ${cards.mostHeld} of ${cards.total}`);
  print(ok ? `ok: ${jobs.length} job(s) completed` : "not ok: see above; --log shows the dispatcher's log");
  if (options.json) console.log(JSON.stringify({ ok, jobs, left }));
  return result;
}

async function run(options: DemoOptions, print: Print): Promise<DemoResult> {
  const { count, counts, hostCards } = options;
  const log = (line: string) => (options.log ? console.error(line) : undefined);
  if (options.api) return await runApiDemo({ count, print, log });
  const world = options.lambda
    ? await startDemoCloud(demoConfig(), { log })
    : await startDemoProcess({ ...options, log });
  const { github, stores, pool } = world;
  const { total, simulated } = await pool.capacity();
  const cards = hostCards === undefined ? "cards" : "cards of a pretended host, which every worker sees";
  print(`pool "${DEMO_POOL}": ${total} ${simulated ? "simulated cards (no NPU here)" : cards}`);
  try {
    const workerProcesses = async () => (await pool.list()).length;
    return await runDemo({ github, stores, count, counts, workerProcesses, print });
  } finally {
    for (const line of world.summary()) print(line);
    await world.close();
  }
}
