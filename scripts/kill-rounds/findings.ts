// What is left after a round, on all three sides: GitHub, this machine, and the table on disk.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessInfo } from "../../shared/adapters/pools/local/read-processes.ts";
import { listProcesses } from "../../shared/adapters/pools/local/read-processes.ts";
import { createSqliteStores } from "../../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { githubJobId, poolName } from "../../shared/domain/ids.ts";
import type { Job } from "../../shared/domain/job/job.ts";
import type { Stores } from "../../shared/ports/store.ts";
import type { ServeProcess } from "../../test/e2e/serve-process.ts";
import { ORG } from "../../test/e2e/serve-process.ts";
import type { WorkflowJob } from "../../test/fakes/github/endpoints/job-view.ts";

export type Finding = { readonly kind: "lost" | "orphan" | "double-run"; readonly message: string };

const POOL = poolName("local");
/** Of a worker's process, by the pool's own hand. */
const WORKER_DIR = "WORKER_DIR=";

/** As far as it can be seen from outside. */
export async function isQuiet(serve: ServeProcess): Promise<boolean> {
  const { github, dataDir } = serve;
  return (
    github.workflowJobs().every(({ status }) => status === "completed") &&
    github.runners(ORG).length === 0 &&
    (await workersIn(dataDir)).length === 0
  );
}

/** As long as this text changes, something goes on. */
export async function signsOfLife({ github, dataDir }: ServeProcess): Promise<string> {
  const jobs = github
    .workflowJobs()
    .map(({ status, assignedTo, lines }) => [status, assignedTo, lines.length]);
  const runners = github.runners(ORG).map(({ name, status }) => [name, status]);
  return JSON.stringify([jobs, runners, await workersIn(dataDir)]);
}

/** The server must be stopped: the table is locked to it. `killed`: workers whose jobs may have failed. */
export async function findLeft(serve: ServeProcess, killed: ReadonlySet<string>): Promise<Finding[]> {
  const { github, dataDir } = serve;
  const jobs = github.workflowJobs();
  const stores = createSqliteStores({
    file: join(dataDir, "dispatch.db"),
    clock: systemClock,
    onChange() {},
  });
  try {
    return [
      ...jobs.flatMap((job) => lostAtGithub(job, killed)),
      ...(await Promise.all(jobs.map((job) => differences(stores, job)))).flat(),
      ...(await leftInTable(stores)),
      ...github.runners(ORG).map(({ name }) => orphan(`${name} is registered at GitHub`)),
      ...(await workersIn(dataDir)).map((name) => orphan(`${name} has a folder`)),
      ...(await listWorkers(dataDir)).map(({ pid }) => orphan(`process ${pid} of a worker`)),
    ];
  } finally {
    stores.close();
  }
}

/** Processes that a worker of this data folder started, and the worker itself. */
export async function listWorkers(dataDir: string): Promise<ProcessInfo[]> {
  const all = (await listProcesses()).filter(({ ended, pid }) => !ended && pid !== process.pid);
  const theirs = await Promise.all(all.map(({ pid }) => isOfWorker(pid, dataDir)));
  return all.filter((_, index) => theirs[index]);
}

export function poolDir(dataDir: string): string {
  return join(dataDir, "pools", POOL);
}

async function isOfWorker(pid: number, dataDir: string): Promise<boolean> {
  // Of another user, or ended since the listing.
  const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
  return environment.includes(`${WORKER_DIR}${dataDir}`);
}

async function workersIn(dataDir: string): Promise<string[]> {
  const names = await readdir(join(poolDir(dataDir), "workers")).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.sort();
}

function lostAtGithub(
  { name, status, conclusion, runnerName }: WorkflowJob,
  killed: ReadonlySet<string>,
): Finding[] {
  if (status !== "completed") return [lost(`${name} is ${status} at GitHub`)];
  if (conclusion === "success" || killed.has(runnerName ?? "")) return [];
  return [lost(`${name} ended with ${conclusion} on ${runnerName}, which nobody killed`)];
}

async function differences({ jobs }: Stores, job: WorkflowJob): Promise<Finding[]> {
  const record = await jobs.get(githubJobId(job.id));
  const expected = job.conclusion === "success" ? "COMPLETED" : "FAILED";
  if (job.status !== "completed" || record?.state === expected) return [];
  return [lost(`${job.name} ended with ${job.conclusion} at GitHub and is ${describe(record)} here`)];
}

function describe(record: Job | undefined): string {
  if (record === undefined) return "unknown";
  return `${record.state} on ${record.workerId ?? "nobody"}, held for ${record.hold?.reason ?? "nothing"}`;
}

async function leftInTable(stores: Stores): Promise<Finding[]> {
  const pool = await stores.pools.get(POOL);
  const due = await stores.due.due(Number.MAX_SAFE_INTEGER, 100);
  return [
    ...(await stores.workers.live(POOL)).map(({ id, state }) => orphan(`${id} is ${state} in the table`)),
    ...Object.keys(pool?.reservations ?? {}).map((id) => orphan(`${id} holds cards`)),
    ...due.map(({ kind, id }) => orphan(`${kind} ${id} is still to be looked at`)),
  ];
}

function lost(message: string): Finding {
  return { kind: "lost", message };
}

function orphan(message: string): Finding {
  return { kind: "orphan", message };
}
