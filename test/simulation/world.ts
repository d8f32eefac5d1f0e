// One run's world on one timeline: what is outside of us, the table, and the dispatcher's processes between them.
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import { rank } from "../../shared/domain/github-event.ts";
import type { WorkerId } from "../../shared/domain/ids.ts";
import { githubJobId } from "../../shared/domain/ids.ts";
import type { Pool } from "../../shared/domain/pool/pool.ts";
import type { Deps } from "../../shared/usecases/deps.ts";
import { createWatch } from "./checks/watch.ts";
import { createDispatcher } from "./dispatcher.ts";
import { createDraw, derived } from "./engine/draw.ts";
import { createTable } from "./engine/table.ts";
import { createTimeline } from "./engine/timeline.ts";
import { createTrace } from "./engine/trace.ts";
import { createWeather } from "./engine/weather.ts";
import type { Ground } from "./ground.ts";
import { createOutside } from "./outside/outside.ts";
import { createSimClients } from "./outside/sim-clients.ts";
import type { Plan, PlannedFault } from "./plan/planned.ts";
import type { Prey } from "./prey.ts";
import type { Scene } from "./scenery.ts";
import { EXECUTION_MS, START, sceneWith } from "./scenery.ts";
import { createVictims } from "./victims.ts";

export type World = Prey;

/** A worker's call is answered by then, or not at all; so is a delivery. */
const CALL_MS = 30_000;
const DELIVERY_MS = 10_000;

export type WorldOptions = {
  readonly keepTrace: boolean;
  readonly scene?: Scene;
  /** After each write of the ledger. */
  readonly onPool?: (pool: Pool) => void;
};

export function createSimWorld(plan: Plan, options: WorldOptions): World {
  const { keepTrace, scene = sceneWith(plan.others ?? []), onPool } = options;
  const timeline = createTimeline(START);
  const trace = createTrace({ now: timeline.now, start: START, keep: keepTrace });
  const forgotten = new Set<WorkerId>();
  const watch = createWatch({
    now: timeline.now,
    executionMs: EXECUTION_MS,
    isFollowed:
      plan.form === "single" && plan.entries.some((one) => one.type === "fault" && one.kind === "clock-step"),
    isForgotten: (id) => forgotten.has(id),
    mayRun(id, job) {
      const runner = outside.github.runners.get(id);
      return runner !== undefined && (runner.job === undefined || githubJobId(runner.job.id) === job);
    },
    isAway: () => dispatcher.isAway,
    onBroken({ rule, message }) {
      trace.note("watch", rule, "", message);
      timeline.halt();
    },
  });
  const weather = createWeather({
    start: START,
    timeline,
    trace,
    faults: plan.entries.filter((entry): entry is PlannedFault => entry.type === "fault"),
    seek: (fault, draw) => victims.seek(fault, draw),
  });
  const table = createTable({
    now: timeline.now,
    onJob(job, before) {
      trace.note("table", job.state, job.id, `${job.workerId ?? job.hold?.reason ?? "-"} v${job.version}`);
      watch.job(job, before);
      clients.wrote(job, before);
    },
    onWorker(worker, before) {
      trace.note("table", worker.state, worker.id, `${worker.jobId} v${worker.version}`);
      watch.worker(worker, before);
    },
    onPool(pool) {
      watch.pool(pool);
      onPool?.(pool);
    },
    onPayload: (json) => watch.seen("a payload", json),
    onMark: (value, before) => watch.seen("a mark", value, before),
    onChange: (change) => dispatcher.stream.push(change),
  });
  const drawFor = (part: string) => createDraw(derived(plan.seed, part));
  const ground: Ground = { plan, scene, timeline, trace, weather, watch, table, drawFor };
  const outside = createOutside(ground, {
    async post(word) {
      await dispatcher.receive(word, DELIVERY_MS);
      heed(word);
    },
    runOf: (runId) => clients.runOf(runId),
    ask: <T>(useCase: (deps: Deps) => Promise<T>) => dispatcher.call("api", CALL_MS, useCase),
  });
  const clients = createSimClients({
    ...ground,
    github: () => outside.github,
    call: (useCase) => dispatcher.call("api", CALL_MS, useCase),
  });
  const dispatcher = createDispatcher(ground, outside, clients);
  const world: World = {
    ...ground,
    outside,
    clients,
    dispatcher,
    forget(id) {
      forgotten.add(id);
      table.forgetWorker(id);
    },
  };
  const victims = createVictims(world);
  return world;

  /** A word that our webhook has taken is known here from then on. */
  function heed(word: WorkflowJobWord): void {
    const known = table.all.jobs.get(githubJobId(word.workflowJobId))?.github;
    if (known === undefined || rank(known.status) >= rank(word.status)) return;
    watch.broken(
      "word-ignored",
      `gh-${word.workflowJobId} is ${word.status} at GitHub and ${known.status} here`,
    );
  }
}
