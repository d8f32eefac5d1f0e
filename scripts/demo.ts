// `npm run demo`: the seed guide's workflow, end to end on this machine, without any account.
//
// A stand-in for GitHub queues a workflow job and sends the signed delivery; the dispatcher starts a worker as a real
// process; a stand-in for actions/runner registers, runs the job's step in a shell, and is removed.
import { stopForComplaint, stopWith } from "./complaint.ts";
import { runApiDemo } from "./demo/api.ts";
import { startDemoCloud } from "./demo/cloud.ts";
import { demoConfig } from "./demo/config.ts";
import { DEMO_POOLS } from "./demo/pools.ts";
import { startDemoProcess } from "./demo/process.ts";
import type { DemoResult } from "./demo/run.ts";
import { CARD_COUNTS, DEMO_POOL, runDemo } from "./demo/run.ts";
import { parseOptions, wholeNumber } from "./parse-options.ts";

/** As many as one NPU server has at most. */
const MOST_CARDS = 64;

const values = parseOptions({
  jobs: { type: "string" },
  json: { type: "boolean", default: false },
  store: { type: "string", default: "sqlite" },
  pool: { type: "string", default: "local" },
  image: { type: "string" },
  "host-cards": { type: "string" },
  lambda: { type: "boolean", default: false },
  api: { type: "boolean", default: false },
  log: { type: "boolean", default: false },
});
const hostCards = values["host-cards"] === undefined ? undefined : Number(values["host-cards"]);
if (hostCards !== undefined && !(Number.isInteger(hostCards) && hostCards >= 1 && hostCards <= MOST_CARDS))
  stopWith(`--host-cards takes a whole number from 1 to ${MOST_CARDS}`);
// On a host with cards, a job of each count that it has.
const counts = hostCards === undefined ? [1] : CARD_COUNTS.filter((cards) => cards <= hostCards);
const count = wholeNumber("jobs", values.jobs ?? String(counts.length));
if (values.store !== "sqlite" && values.store !== "dynamodb") stopWith("--store takes sqlite or dynamodb");
const store = values.store === "dynamodb" ? "dynamodb" : "sqlite";
const poolKind = DEMO_POOLS.find((kind) => kind === values.pool);
if (poolKind === undefined) stopWith(`--pool takes ${DEMO_POOLS.join(", ")}`);
if (poolKind === "docker" && values.image === undefined)
  stopWith("--pool docker needs --image: build one with npm run image");
if (values.api && (values.lambda || poolKind !== "local" || hostCards !== undefined || store !== "sqlite"))
  stopWith("--api goes with --jobs, --json and --log alone");
if (values.lambda && poolKind !== "local") stopWith("--lambda runs its workers as processes");
if (hostCards !== undefined && (values.lambda || poolKind !== "local"))
  stopWith("--host-cards pretends that this machine has cards: for the local pool, without --lambda");

const result = await main().catch(stopForComplaint);
report(result);
process.exitCode = result.ok ? 0 : 1;

async function main(): Promise<DemoResult> {
  const log = (line: string) => (values.log ? console.error(line) : undefined);
  if (values.api) return await runApiDemo({ count, print, log });
  const world = values.lambda
    ? await startDemoCloud(demoConfig(), { log })
    : await startDemoProcess({ store, pool: poolKind, image: values.image, hostCards, log });
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

function report({ ok, jobs, left, cards }: DemoResult): void {
  print("");
  print(`left: ${left.workers} workers, ${left.runners} runner registrations, ${left.cards} cards held`);
  print(`most cards held at once: ${cards.mostHeld} of ${cards.total}`);
  print(ok ? `ok: ${jobs.length} job(s) completed` : "not ok: see above; --log shows the dispatcher's log");
  if (values.json) console.log(JSON.stringify({ ok, jobs, left }));
}

function print(line: string): void {
  if (!values.json) console.log(line);
}
