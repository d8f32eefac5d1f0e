// What a start costs a cluster's API server, in calls from its beginning to its worker's end: 500 jobs at once on 200
// nodes.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createChangeQueue } from "../functions/change-queue.ts";
import { startReconcileTimer } from "../functions/reconcile-timer.ts";
import { createKubernetesPool } from "../shared/adapters/pools/kubernetes/kubernetes-pool.ts";
import { createSqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import { DEFAULT_TENANT_SETTINGS } from "../shared/domain/admission/tenant.ts";
import { parseWorkerId } from "../shared/domain/ids.ts";
import type { Change } from "../shared/ports/store.ts";
import type { Deps } from "../shared/usecases/deps.ts";
import { handleChange } from "../shared/usecases/handle-change.ts";
import { receiveDelivery } from "../shared/usecases/intake/receive-delivery.ts";
import { finishWorker } from "../shared/usecases/worker-plane/finish-worker.ts";
import { takeJob } from "../shared/usecases/worker-plane/take-job.ts";
import { NAMESPACE, settingsOf } from "../test/contract/kubernetes-pool-under-test.ts";
import { aReport, aWord, OWNER, POOL, REPOSITORY } from "../test/domain/builders.ts";
import { startClusterStandIn } from "../test/fakes/kubernetes/cluster-stand-in.ts";
import { createScriptedRunner } from "../test/fakes/kubernetes/scripted-runner.ts";
import { benchDeps, QUIET } from "./bench-deps.ts";

const JOBS = 500;
const NODES = 200;
const CARD = "huawei.com/ascend-1980";
const FIRST_ID = 400_000_000_000;
const JOB_MS = 1_000;
const MOST_CALLS = 8;
const GIVE_UP_MS = 180_000;

/**
 * `callsPerStart`: by all 500, from the first delivery until nothing is left in the cluster. `byVerb`: the same, by what
 * was asked. The API is the stand-in's, over HTTP; nobody watches a job's status meanwhile. `broken`: over 8, or not all
 * ran.
 */
export async function run(): Promise<Record<string, unknown>> {
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-bench-"));
  const runner = createScriptedRunner();
  const nodes = Array.from({ length: NODES }, (_, n) => ({ name: `node-${n + 1}`, cards: { [CARD]: "8" } }));
  const cluster = await startClusterStandIn({ nodes, namespaces: [NAMESPACE], run: runner.run, tickMs: 100 });
  try {
    const path = join(dir, "kubeconfig");
    await writeFile(path, cluster.kubeconfig());
    const settings = settingsOf({ name: POOL, cluster: { auth: "kubeconfig", path } });
    const own = { deployment: "bench0", clock: systemClock, log: QUIET, env: {} };
    const driver = createKubernetesPool(settings, own);
    const ended = await play(join(dir, "dispatch.db"), driver, runner, () => cluster.objects("Job").length);
    return figuresOf(cluster.api.requests, ended);
  } finally {
    await cluster.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function figuresOf(requests: readonly string[], ended: number) {
  const byVerb: { [verb: string]: number } = {};
  for (const line of requests) {
    const verb = verbOf(line);
    byVerb[verb] = (byVerb[verb] ?? 0) + 1;
  }
  const perStart = (calls: number) => Math.round((calls / JOBS) * 100) / 100;
  const callsPerStart = perStart(requests.length);
  const broken = [
    ...(callsPerStart > MOST_CALLS ? [`callsPerStart is over ${MOST_CALLS}`] : []),
    ...(ended < JOBS ? [`${JOBS - ended} workers did not end`] : []),
  ];
  return {
    callsPerStart,
    byVerb: Object.fromEntries(Object.entries(byVerb).map(([verb, calls]) => [verb, perStart(calls)])),
    ...(broken.length > 0 && { broken }),
  };
}

/** `GET /api/v1/namespaces/x/pods?…` is "list pods". */
function verbOf(line: string): string {
  const [method = "", url = ""] = line.split(" ");
  const { pathname, searchParams } = new URL(url, "http://x");
  const [, plural = "", name] =
    /\/(pods|jobs|secrets|events|nodes|namespaces)(?:\/([^/]+))?(?:\/log)?$/.exec(pathname) ?? [];
  if (method === "POST") return searchParams.has("dryRun") ? `try ${plural}` : `create ${plural}`;
  return `${method === "DELETE" ? "delete" : name === undefined ? "list" : "get"} ${plural}`;
}

type Runner = ReturnType<typeof createScriptedRunner>;

/** Answers how many workers have ended. */
async function play(
  file: string,
  driver: ReturnType<typeof createKubernetesPool>,
  runner: Runner,
  left: () => number,
): Promise<number> {
  let push = (_change: Change): void => undefined;
  const stores = createSqliteStores({ file, clock: systemClock, onChange: (change) => push(change) });
  const tenants = [{ owner: OWNER.login, ...DEFAULT_TENANT_SETTINGS }];
  const deps = benchDeps({ stores, driver, tenants });
  const queue = createChangeQueue({ handle: (change) => handleChange(deps, change), log: deps.log });
  push = queue.push;
  const timer = startReconcileTimer(deps);
  const repository = { ...REPOSITORY, owner: OWNER };
  for (let n = 0; n < JOBS; n++) {
    await receiveDelivery(deps, aWord({ workflowJobId: FIRST_ID + n, repository, createdAt: Date.now() }));
  }
  const ended = await endAll(deps, runner, left);
  await timer.stop();
  await queue.close();
  stores.close();
  return ended;
}

/** Each worker takes its job, runs it for a second, reports and goes. */
async function endAll(deps: Deps, { containers }: Runner, left: () => number): Promise<number> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  const workers: Promise<void>[] = [];
  let ended = 0;
  const live = async (container: Runner["containers"][number]) => {
    const id = parseWorkerId(container.spec.env["RUNPOD_POD_ID"] ?? "");
    if (id === undefined) throw new Error("a container without a worker");
    await takeJob(deps, id, `boot-of-${id}`);
    await sleep(JOB_MS);
    await finishWorker(deps, id, aReport());
    container.exit(0);
    ended++;
  };
  while ((ended < JOBS || left() > 0) && performance.now() < giveUpAt) {
    for (const container of containers.slice(workers.length)) workers.push(live(container));
    await sleep(50);
  }
  await Promise.all(workers);
  return ended;
}
