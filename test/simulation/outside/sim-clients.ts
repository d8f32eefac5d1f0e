// All clients of the API in one run: who they are, the calls that get lost on their way, and where their callbacks arrive.

import type { JobId } from "../../../shared/domain/ids.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { Job } from "../../../shared/domain/job/job.ts";
import { isTerminal } from "../../../shared/domain/job/job.ts";
import type { CallbackOutcome, CallbackSender } from "../../../shared/ports/callback-sender.ts";
import type { WorkflowRunWord } from "../../../shared/ports/github.ts";
import type { ApiDeps } from "../../../shared/usecases/client-plane/api-deps.ts";
import { purgeQueue } from "../../../shared/usecases/client-plane/purge-queue.ts";
import { createLine } from "../engine/line.ts";
import type { Synchronous } from "../engine/synchronous.ts";
import type { Ground } from "../ground.ts";
import type { PlannedAsk } from "../plan/planned.ts";
import { askedEndpoint, poolsOf, REPOSITORIES } from "../scenery.ts";
import type { GithubWorld } from "./github-world.ts";
import type { SimClient } from "./sim-client.ts";
import { createSimClient } from "./sim-client.ts";

export type SimClients = {
  readonly all: readonly SimClient[];
  begin(ask: PlannedAsk): void;
  /** Each write of a job. */
  wrote(next: Job, before: Job | undefined): void;
  of(id: JobId): SimClient | undefined;
  runOf(runId: number): WorkflowRunWord | undefined;
  /** Empties the queue of this client's endpoint. */
  purge(client: SimClient): void;
  readonly receiver: Synchronous<CallbackSender>;
  /** What has arrived for a job, and how often nobody was there to take it. */
  callbacksOf(id: JobId): Callbacks;
};

type Callbacks = {
  readonly taken: { readonly status: string; readonly at: number }[];
  refused: number;
};

export type SimClientsOptions = Ground & {
  readonly github: () => GithubWorld;
  readonly call: <T>(useCase: (deps: ApiDeps) => Promise<T>) => Promise<T>;
};

class Lost extends Error {
  override readonly name = "Lost";
}

const PURGE_PATIENCE_MS = 3_600_000;
const FIRST_RUN = 9_000;

export function createSimClients(options: SimClientsOptions): SimClients {
  const { scene, timeline, weather, watch, table, drawFor, trace } = options;
  const all: SimClient[] = [];
  const byId = new Map<JobId, SimClient>();
  const callbacks = new Map<string, Callbacks>();
  const pools = poolsOf(scene);
  const roads = drawFor("clients");
  return {
    all,
    begin,
    wrote(next, before) {
      if (next.api === undefined || !isTerminal(next)) return;
      if (before === undefined || !isTerminal(before)) byId.get(next.id)?.ended(next);
    },
    of: (id) => byId.get(id),
    runOf: (runId) => all.find(({ caller }) => caller.run?.runId === runId)?.run,
    purge,
    receiver: { refusal: () => undefined, send: receive },
    callbacksOf: (id) => callbacksOf(id),
  };

  function begin(ask: PlannedAsk): void {
    const pool = pools[ask.pool % pools.length];
    const repository = REPOSITORIES[ask.repository];
    if (pool === undefined || repository === undefined) throw new RangeError(`${ask.name} is nowhere`);
    const draw = drawFor(`client ${ask.name}`);
    const line = createLine<ApiDeps>({
      timeline,
      draw,
      call: (useCase) => travel(ask.name, useCase),
      isOver: () => false,
    });
    const client = createSimClient({
      ...options,
      ask,
      caller: callerOf(ask, repository),
      endpoint: askedEndpoint(pool.name, ask.asked),
      repository,
      line,
      draw,
      github: options.github(),
      onTold: (id) => told(id, client),
    });
    all.push(client);
  }

  /** Its job may have ended before it was told of it. */
  function told(id: JobId, client: SimClient): void {
    const other = byId.get(id);
    if (other !== undefined && other !== client) watch.broken("asked-twice", `${id} is two clients' job`);
    byId.set(id, client);
    const job = table.all.jobs.get(id);
    if (job !== undefined && isTerminal(job)) client.ended(job);
  }

  /** A call is lost before or after it was heard, or a proxy makes it twice. */
  async function travel<T>(name: string, useCase: (deps: ApiDeps) => Promise<T>): Promise<T> {
    const isLost = weather.strikes("call-lost", name);
    if (isLost && roads.chance(0.5)) throw new Lost("the call was lost");
    if (weather.strikes("call-twice", name)) options.call(useCase).catch(() => {});
    const answer = await options.call(useCase);
    if (isLost) throw new Lost("its answer was lost");
    return answer;
  }

  function purge({ caller, endpoint, ask }: SimClient): void {
    for (const client of all) {
      const isIts = client.endpoint === endpoint && client.caller.tenant === caller.tenant;
      if (isIts && client.id !== undefined) watch.asksEnd(client.id);
    }
    for (const { id, tenant } of table.api.apiJobs.open(endpoint as never, 1_000)) {
      if (tenant === caller.tenant) watch.asksEnd(id);
    }
    const call = <T>(useCase: (deps: ApiDeps) => Promise<T>) => travel(`purge by ${ask.name}`, useCase);
    const line = createLine<ApiDeps>({ timeline, draw: roads, call, isOver: () => false });
    void line.askUntil(PURGE_PATIENCE_MS, (deps) => purgeQueue(deps, caller, endpoint));
  }

  function receive(url: string, body: string): CallbackOutcome {
    const { id, status } = JSON.parse(body) as { readonly id: string; readonly status: string };
    const its = callbacksOf(id);
    const isFailed = weather.strikes("callback-failed", url);
    trace.note("client", isFailed ? "callback-failed" : "callback", id, status);
    // One that has taken it may still answer with an error, or not in time.
    if (isFailed) its.refused++;
    if (!isFailed || roads.chance(0.5)) its.taken.push({ status, at: timeline.now() });
    return isFailed ? { type: "failed", message: "HTTP 503 (injected)" } : { type: "delivered" };
  }

  function callbacksOf(id: string): Callbacks {
    const known = callbacks.get(id) ?? { taken: [], refused: 0 };
    callbacks.set(id, known);
    return known;
  }
}

function callerOf(ask: PlannedAsk, { id, owner, name }: (typeof REPOSITORIES)[number]): ApiCaller {
  const number = Number(ask.name.slice(ask.name.indexOf("-") + 1));
  const run = {
    owner: owner.login,
    ownerType: owner.type,
    repo: name,
    runId: FIRST_RUN + number,
    runAttempt: 1,
  };
  const common = { tenant: tenantId(owner.id), login: owner.login };
  return ask.isRun
    ? { ...common, repositoryId: id, run }
    : { ...common, repositoryId: undefined, run: undefined };
}
