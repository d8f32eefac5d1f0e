// What it costs that many workers end at once: writes of their pool's item, and CPU.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import type { WorkerId } from "../shared/domain/ids.ts";
import { githubJobId } from "../shared/domain/ids.ts";
import { newPool, reserve } from "../shared/domain/pool/pool.ts";
import { releaseWorker } from "../shared/usecases/ending/release-worker.ts";
import { aWorker, aWorkerId, POOL } from "../test/domain/builders.ts";
import { benchDeps, countingPoolWrites, idealDriver } from "./bench-deps.ts";

const COUNTS = [50, 200, 400];
const FIRST_ID = 400_000_000_000;

/** One that gathers, and the few that come while it is written. */
const MOST_WRITES = 8;

/**
 * By how many workers are released at once, `writes`: of the pool's item, lost races too; `cpuMs`: of all of it. `broken`
 * is there when there were more than a few.
 */
export async function run(): Promise<Record<string, unknown>> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-bench-"));
  try {
    await releaseTogether(join(dir, "warm-up.db"), 50);
    const writes: { [count: number]: number } = {};
    const cpuMs: { [count: number]: number } = {};
    for (const count of COUNTS) {
      const cost = await releaseTogether(join(dir, `${count}.db`), count);
      writes[count] = cost.writes;
      cpuMs[count] = cost.cpuMs;
    }
    const broken = Object.entries(writes).flatMap(([count, made]) =>
      made > MOST_WRITES ? [`${count} releases wrote their pool's item ${made} times`] : [],
    );
    return broken.length === 0 ? { writes, cpuMs } : { writes, cpuMs, broken };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function releaseTogether(file: string, count: number): Promise<{ writes: number; cpuMs: number }> {
  const opened = createSqliteStores({ file, clock: systemClock });
  let writes = 0;
  const stores = countingPoolWrites(opened, () => {
    writes++;
  });
  const deps = benchDeps({ stores, driver: idealDriver(count), tenants: [] });
  const now = Date.now();
  const workers = Array.from({ length: count }, (_, n) => endedWorker(n, now));
  let pool = newPool(POOL, count);
  for (const { id, tenant } of workers) pool = reserve(pool, id, { tenant, cards: 1, slots: [] }, now);
  await opened.pools.create({ ...pool, version: 1 });
  await Promise.all(workers.map((worker) => opened.workers.create(worker)));
  const cpu = process.cpuUsage();
  const released = await Promise.all(workers.map((worker) => releaseWorker(deps, worker)));
  const { user, system } = process.cpuUsage(cpu);
  const left = Object.keys((await opened.pools.get(POOL))?.reservations ?? {}).length;
  opened.close();
  if (left > 0 || !released.every(Boolean)) throw new Error(`${left} of ${count} still hold their card`);
  return { writes, cpuMs: Math.round((user + system) / 1_000) };
}

function endedWorker(number: number, now: number) {
  return aWorker({
    id: idOf(number),
    jobId: githubJobId(FIRST_ID + number),
    state: "lost",
    phases: { booting: now, done: now },
    createdAt: now,
    dueAt: now,
  });
}

function idOf(number: number): WorkerId {
  return aWorkerId(`npud-bench0-worker${String(number).padStart(6, "0")}`);
}
