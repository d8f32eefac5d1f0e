// Faults that strike one victim: which one, and what happens to it.
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { WorkerId } from "../../shared/domain/ids.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Draw } from "./draw.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { SimJob } from "./github-things.ts";
import type { Ground } from "./ground.ts";
import type { Outside } from "./outside.ts";
import type { PlannedFault } from "./plan.ts";
import { PROCESSES } from "./processes.ts";
import { FOREIGN, labelsFor } from "./scenery.ts";
import type { Container } from "./sim-pool.ts";
import type { SimWorker } from "./sim-worker.ts";

export type Prey = Ground & {
  readonly outside: Outside;
  readonly dispatcher: Dispatcher;
  /** Loses the record of a worker. */
  forget(id: WorkerId): void;
};

export type Victims = {
  /** False: there is none now. */
  seek(fault: PlannedFault, draw: Draw): boolean;
};

const MINUTE = 60_000;
/** A crash comes within this many effects of its process. */
const CRASH_EFFECTS = 25;

export function createVictims(world: Prey): Victims {
  const { weather, outside } = world;
  const { github, pool, workers } = outside;
  let strangers = 0;
  const acts: { readonly [kind in FaultKind]?: (draw: Draw, fault: PlannedFault) => boolean } = {
    crash,
    outage(_draw, fault) {
      world.dispatcher.goAway(fault.ms);
      return counted("outage");
    },
    "worker-crash": (draw) => onContainer("worker-crash", draw, (one) => pool.exit(one, 137)),
    vanished: (draw) => onContainer("vanished", draw, pool.vanish),
    "wedged-silent": (draw) =>
      onWorker(
        "wedged-silent",
        draw,
        (worker) => worker.wedge(draw.chance(0.5)),
        (worker) => !worker.isWedged,
      ),
    "cut-off": (draw, fault) => onWorker("cut-off", draw, (worker) => worker.cutOff(fault.ms)),
    "record-lost": (draw) =>
      onWorker(
        "record-lost",
        draw,
        ({ container }) => world.forget(container.id),
        ({ step }) => step === "listening" || step === "running",
      ),
    "orphan-container": bringBack,
    "idle-removal": removeIdle,
    "stranger-runner": bringStranger,
    "foreign-job": createForeign,
    cancel,
    rerun,
  };
  return { seek: (fault, draw) => acts[fault.kind]?.(draw, fault) ?? true };

  function counted(kind: FaultKind, on?: string): true {
    weather.count(kind, on);
    return true;
  }

  /** Counted when it happens. */
  function crash(draw: Draw): boolean {
    const moment = draw.chance(0.5) ? "before" : "after";
    world.dispatcher.arm({ process: draw.pick(PROCESSES), effects: draw.between(1, CRASH_EFFECTS), moment });
    return true;
  }

  function onContainer(kind: FaultKind, draw: Draw, act: (container: Container) => void): boolean {
    const living = pool.living();
    if (living.length === 0) return false;
    const container = draw.pick(living);
    counted(kind, container.id);
    act(container);
    return true;
  }

  function onWorker(
    kind: FaultKind,
    draw: Draw,
    act: (worker: SimWorker) => void,
    isFit: (worker: SimWorker) => boolean = () => true,
  ): boolean {
    const fitting = [...workers.values()].filter(isFit);
    if (fitting.length === 0) return false;
    const worker = draw.pick(fitting);
    counted(kind, worker.container.id);
    act(worker);
    return true;
  }

  function bringBack(draw: Draw): boolean {
    const gone = outside.former.filter(({ workerId }) => !pool.containers.has(workerId));
    if (gone.length === 0) return false;
    const spec = draw.pick(gone);
    pool.revive(spec);
    return counted("orphan-container", spec.workerId);
  }

  function removeIdle(draw: Draw): boolean {
    const idle = [...github.runners.values()].filter(
      (one) => one.host !== undefined && one.job === undefined,
    );
    if (idle.length === 0) return false;
    const runner = draw.pick(idle);
    counted("idle-removal", runner.name);
    github.remove(runner);
    return true;
  }

  /** Another controller's runner with labels of ours. */
  function bringStranger(draw: Draw): boolean {
    const job = open().find(({ status }) => status === "queued");
    if (job === undefined) return false;
    const { owner, name } = job.base.repository;
    const runner = `other-${++strangers}`;
    const isOrganization = owner.type === "Organization";
    github.register(
      runner,
      isOrganization
        ? { type: "organization", org: owner.login }
        : { type: "repository", owner: owner.login, repo: name },
      labelsFor(draw.pick([1, 1, 2])),
    );
    github.connect(runner, { run() {}, end() {}, removed() {} });
    return counted("stranger-runner", runner);
  }

  function createForeign(draw: Draw): boolean {
    const id = github.nextId();
    const base = { ...baseOf(id), repository: FOREIGN, labels: labelsFor(draw.pick([1, 1, 1, 2])) };
    github.create({
      base,
      status: "queued",
      runMs: draw.between(MINUTE, 10 * MINUTE),
      fails: false,
      isOurs: false,
    });
    return counted("foreign-job", `gh-${id}`);
  }

  function cancel(draw: Draw): boolean {
    const jobs = open();
    if (jobs.length === 0) return false;
    const job = draw.pick(jobs);
    counted("cancel", `gh-${job.id}`);
    github.cancel(job);
    return true;
  }

  /** Failed jobs run again under new ids; those that did not fail are told as completed under new ids too. */
  function rerun(draw: Draw): boolean {
    const ended = [...github.jobs.values()].filter((job) => job.isOurs && job.conclusion === "failure");
    if (ended.length === 0) return false;
    const job = draw.pick(ended);
    const again = { ...job.base, runAttempt: job.base.runAttempt + 1, createdAt: world.timeline.now() };
    const id = github.nextId();
    github.create({ ...job, base: { ...again, workflowJobId: id }, fails: false, status: "queued" });
    const carried = github.nextId();
    const carry = {
      ...job,
      base: { ...again, workflowJobId: carried, name: `${again.name} (carried over)` },
    };
    world.outside.hook.tell(
      { ...carry.base, status: "completed", conclusion: "success", runner: undefined, startedAt: undefined },
      false,
    );
    return counted("rerun", `gh-${id}`);
  }

  function open(): SimJob[] {
    return [...github.jobs.values()].filter((job) => job.isOurs && job.status !== "completed");
  }

  function baseOf(id: number): SimJob["base"] {
    return workflowJob({ id, runId: id, name: "elsewhere", createdAt: world.timeline.now() });
  }
}

/** What all workflow jobs here have in common. */
export function workflowJob(job: {
  readonly id: number;
  readonly runId: number;
  readonly name: string;
  readonly createdAt: number;
}): Omit<SimJob["base"], "repository" | "labels"> & Pick<WorkflowJobWord, "repository" | "labels"> {
  return {
    workflowJobId: job.id,
    runId: job.runId,
    runAttempt: 1,
    name: job.name,
    workflowName: "ci",
    headBranch: "main",
    htmlUrl: `https://github.com/Acme/kernels/actions/runs/${job.runId}/job/${job.id}`,
    labels: [],
    repository: FOREIGN,
    installationId: 99,
    createdAt: job.createdAt,
  };
}
