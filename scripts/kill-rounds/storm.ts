// What happens in a round: jobs are queued, the server and workers are killed; when and which is drawn from the seed.
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning } from "../../shared/adapters/pools/local/read-processes.ts";
import { workerFolders } from "../../shared/adapters/pools/local/worker-folders.ts";
import type { ServeProcess } from "../../test/e2e/serve-process.ts";
import { ORG } from "../../test/e2e/serve-process.ts";
import { pick } from "../../test/fakes/github/seeded.ts";
import type { CardWatch } from "./card-watch.ts";
import { poolDir } from "./findings.ts";

export type Storm = {
  readonly serverKills: number;
  /** Ids of the workers that were killed while they lived. */
  readonly killed: ReadonlySet<string>;
};

type Parts = {
  readonly serve: ServeProcess;
  readonly cards: CardWatch;
  readonly fraction: () => number;
};

const STORM_MS = 3_000;
const LEAST_JOBS = 4;
const MORE_JOBS = 2;
const SERVER_KILLS = 2;
const WORKER_KILLS = 2;
const LONGEST_JOB_MS = 1_200;
const LONGEST_DOWN_MS = 600;
const LONGEST_WAIT_MS = 15_000;
const POLL_MS = 20;

/** Ends when all of it has happened and the server runs. */
export async function rage(parts: Parts): Promise<Storm> {
  const { fraction } = parts;
  const killed = new Set<string>();
  const jobs = LEAST_JOBS + Math.floor(fraction() * (MORE_JOBS + 1));
  const moments = (count: number) =>
    Array.from({ length: count }, () => Math.floor(fraction() * STORM_MS)).sort((a, b) => a - b);
  const began = Date.now();
  await Promise.all([
    inTurn(began, moments(jobs), (index) => queueJob(parts, index)),
    inTurn(began, moments(WORKER_KILLS), () => killWorker(parts, killed)),
    killServer(parts, began, moments(SERVER_KILLS)),
  ]);
  return { serverKills: SERVER_KILLS, killed };
}

async function inTurn(
  began: number,
  moments: readonly number[],
  act: (index: number) => void | Promise<void>,
): Promise<void> {
  for (const [index, moment] of moments.entries()) {
    await sleep(Math.max(0, began + moment - Date.now()));
    await act(index);
  }
}

function queueJob({ serve, cards, fraction }: Parts, index: number): void {
  const name = `job-${index}`;
  const seconds = ((fraction() * LONGEST_JOB_MS) / 1_000).toFixed(2);
  const labels = [fraction() < 0.25 ? "linux-arm64-npu-2" : "linux-arm64-npu-1"];
  const run = [...cards.script(name), `sleep ${seconds}`];
  serve.github.queueWorkflowJob({ owner: ORG, repo: "repo", name, labels, run });
}

/** The next kill may come while the server is still at its start. */
async function killServer(
  { serve, fraction }: Parts,
  began: number,
  moments: readonly number[],
): Promise<void> {
  let start = Promise.resolve();
  await inTurn(began, moments, async () => {
    await serve.kill();
    await start.catch(ignoreKilled);
    await sleep(fraction() * LONGEST_DOWN_MS);
    start = serve.start();
    // Looked at before the next kill; without this a start that is killed would be an unhandled rejection.
    start.catch(ignoreKilled);
  });
  await start;
}

function ignoreKilled(error: Error): void {
  if (!error.message.startsWith("the server ended before it listened")) throw error;
}

/**
 * Each has its own odds: only the worker itself, with its runner left behind, or all of it; any worker, or one that runs a
 * job. Waits for one, but not longer than LONGEST_WAIT_MS.
 */
async function killWorker({ serve, fraction }: Parts, killed: Set<string>): Promise<void> {
  const [whole, busy, choice] = [fraction() < 0.5, fraction() < 0.5, fraction()];
  const deadline = Date.now() + LONGEST_WAIT_MS;
  while (Date.now() < deadline) {
    const running = new Set(runningWorkers(serve));
    const found = (await living(serve)).filter(({ id }) => !busy || running.has(id));
    const victim = pick(found, () => choice);
    if (victim !== undefined && kill(victim.pid, whole)) {
      killed.add(victim.id);
      return;
    }
    await sleep(POLL_MS);
  }
}

function runningWorkers({ github }: ServeProcess): string[] {
  return github.runners(ORG).flatMap(({ name, runningJobId }) => (runningJobId === undefined ? [] : [name]));
}

async function living({ dataDir }: ServeProcess): Promise<{ readonly id: string; readonly pid: number }[]> {
  const folders = workerFolders(poolDir(dataDir));
  const found = [];
  for (const id of await folders.list()) {
    const identity = (await folders.record(id))?.process;
    if (identity !== undefined && isRunning(identity)) found.push({ id, pid: identity.pid });
  }
  return found;
}

/** False when it has just ended. */
function kill(pid: number, whole: boolean): boolean {
  try {
    return process.kill(whole ? -pid : pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    return false;
  }
}
