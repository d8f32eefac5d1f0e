// `npm run demo`: the seed guide's workflow, end to end on this machine, without any account.
//
// A stand-in for GitHub queues a workflow job and sends the signed delivery; the dispatcher starts a worker as a real
// process; a stand-in for actions/runner registers, runs the job's step in a shell, and is removed.
import { parseArgs } from "node:util";
import { startGithubStandIn } from "../test/fakes/github/stand-in.ts";
import { demoConfig } from "./demo/config.ts";
import { startDemoProcess } from "./demo/process.ts";
import type { DemoResult } from "./demo/run.ts";
import { DEMO_ORG, DEMO_POOL, runDemo } from "./demo/run.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    store: { type: "string", default: "sqlite" },
    lambda: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
  },
});
const count = Number(values.jobs);
const store = values.store;
if (!Number.isInteger(count) || count < 1) fail("--jobs takes a whole number from 1 on");
if (store !== "sqlite" && store !== "dynamodb") fail("--store takes sqlite or dynamodb");

const result = await main(count, store === "dynamodb" ? "dynamodb" : "sqlite");
report(result);
process.exitCode = result.ok ? 0 : 1;

async function main(jobs: number, kind: "sqlite" | "dynamodb"): Promise<DemoResult> {
  const config = demoConfig();
  const github = await startGithubStandIn({ seed: 1 });
  github.addOrganization(DEMO_ORG);
  github.addRepository(DEMO_ORG, "demo-repo");
  const logLine = (line: string) => (values.log ? console.error(line) : undefined);
  const demo = await startDemoProcess(github, config, { store: kind, log: logLine });
  const driver = demo.server.deps.pools.get(DEMO_POOL)?.driver;
  const cards = await driver?.capacity();
  print(
    `pool "${DEMO_POOL}": ${cards?.total} ${cards?.simulated ? "simulated cards (no NPU here)" : "cards"}`,
  );
  try {
    return await runDemo({
      github,
      stores: demo.server.deps.stores,
      count: jobs,
      workerProcesses: async () => (await driver?.list())?.length ?? 0,
      print,
    });
  } finally {
    await demo.close();
    await github.stop();
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

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
