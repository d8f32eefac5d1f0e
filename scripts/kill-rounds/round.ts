// One round: a server with an empty table, jobs, kills; then it is looked at until nothing is left to be done.
import { join } from "node:path";
import type { ServeProcess } from "../../test/e2e/serve-process.ts";
import { createServe } from "../../test/e2e/serve-process.ts";
import { seeded } from "../../test/fakes/github/seeded.ts";
import type { CardWatch } from "./card-watch.ts";
import { createCardWatch } from "./card-watch.ts";
import type { Finding } from "./findings.ts";
import { findLeft, isQuiet, listWorkers, signsOfLife } from "./findings.ts";
import type { Storm } from "./storm.ts";
import { rage } from "./storm.ts";

export type RoundResult = {
  readonly seed: number;
  readonly jobs: number;
  /** Jobs that ended as failed since the worker that ran them was killed. */
  readonly failed: number;
  readonly serverKills: number;
  readonly workerKills: number;
  /** How often the server was stopped and its table read. */
  readonly looks: number;
  readonly findings: readonly Finding[];
  readonly log: string;
  readonly ms: number;
};

const MINUTE = 60_000;
const CARDS = 4;
/** Nothing has happened for this long: what is left waits for its time. */
const STILL_MS = 3_000;
const SETTLE_MS = 700;
const POLL_MS = 100;
/** Then the next start has a clock that is so much ahead: longer than any wait but the round of the registrations. */
const LEAP_MS = 6 * MINUTE;
const LOOKS = 6;
/** GitHub's ten minutes for a silent runner and its minute for an offer, in short: both are waited for in real time. */
const GITHUB_PATIENCE = { lostMs: 1_500, pickupMs: 1_500 };
const REGISTRATIONS = ["token", "jit", "auto"] as const;

export async function playRound(seed: number): Promise<RoundResult> {
  const started = performance.now();
  const fraction = seeded(seed);
  let aheadMs = 0;
  const serve = await createServe({
    registration: REGISTRATIONS[seed % REGISTRATIONS.length] ?? "auto",
    cards: CARDS,
    github: { ...GITHUB_PATIENCE, seed, now: () => Date.now() + aheadMs },
    aheadMs: () => aheadMs,
  });
  try {
    const cards = await createCardWatch(join(serve.dir, "cards"));
    await serve.start();
    const storm = await rage({ serve, cards, fraction });
    let looks = 0;
    let findings: Finding[] = [];
    do {
      if (looks > 0) {
        aheadMs += LEAP_MS;
        await serve.start();
      }
      findings = await look(serve, cards, storm);
      looks++;
    } while (findings.length > 0 && looks < LOOKS);
    const jobs = serve.github.workflowJobs();
    return {
      seed,
      jobs: jobs.length,
      failed: jobs.filter(({ conclusion }) => conclusion === "failure").length,
      serverKills: storm.serverKills,
      workerKills: storm.killed.size,
      looks,
      findings,
      log: serve.output(),
      ms: performance.now() - started,
    };
  } finally {
    await endWorkers(serve);
    await serve.dispose();
  }
}

/** Waits until all is done, or nothing happens any more; stops the server, and reads its table. */
async function look(serve: ServeProcess, cards: CardWatch, storm: Storm): Promise<Finding[]> {
  let signs = "";
  let since = Date.now();
  // What is seen from outside is over a moment before the table says so.
  while (Date.now() - since < ((await isQuiet(serve)) ? SETTLE_MS : STILL_MS)) {
    const now = await signsOfLife(serve);
    if (now !== signs) since = Date.now();
    signs = now;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await serve.github.deliveriesIdle();
  const code = await serve.close();
  const findings = await findLeft(serve, storm.killed);
  if (code !== 0) findings.push({ kind: "lost", message: `the server ended with ${code} on TERM` });
  return [...findings, ...(await cards.findings())];
}

/** Of a round that went wrong: this machine goes on with others. */
async function endWorkers({ dataDir }: ServeProcess): Promise<void> {
  for (const { pid } of await listWorkers(dataDir)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
