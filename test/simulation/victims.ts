// Faults that strike one victim: which one, and what happens to it.
import type { Draw } from "./engine/draw.ts";
import { PROCESSES } from "./engine/processes.ts";
import type { SimJob } from "./outside/github-things.ts";
import type { Container } from "./outside/sim-pool.ts";
import type { SimWorker } from "./outside/sim-worker.ts";
import { workflowJob } from "./outside/workflow-job.ts";
import type { FaultKind } from "./plan/fault-kinds.ts";
import type { PlannedFault } from "./plan/planned.ts";
import type { Prey } from "./prey.ts";
import { FOREIGN, labelsFor } from "./scenery.ts";
import { apiActs } from "./victims-api.ts";

export type Victims = {
  /** False: there is none now. */
  seek(fault: PlannedFault, draw: Draw): boolean;
};

const MINUTE = 60_000;
/** A crash comes within this many effects of its process. */
const CRASH_EFFECTS = 25;

export function createVictims(world: Prey): Victims {
  const { weather, outside } = world;
  const { github, workers } = outside;
  let strangers = 0;
  const acts: { readonly [kind in FaultKind]?: (draw: Draw, fault: PlannedFault) => boolean } = {
    crash,
    outage(_draw, fault) {
      world.dispatcher.goAway(fault.ms);
      return counted("outage");
    },
    "worker-crash": (draw) => onContainer("worker-crash", draw, (one) => outside.poolOf(one).exit(one, 137)),
    vanished: (draw) => onContainer("vanished", draw, (one) => outside.poolOf(one).vanish(one)),
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
    ...apiActs(world),
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
    const living = outside.living();
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
    const gone = outside.former.filter((one) => !outside.poolOf(one).containers.has(one.id));
    if (gone.length === 0) return false;
    const { spec, ...former } = draw.pick(gone);
    outside.poolOf({ ...former, spec }).revive(spec);
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
    // A step that asks for the runner of an API job has none in another attempt: its label was that of this one.
    const asked = new Set(world.clients.all.map(({ step }) => step));
    const ended = [...github.jobs.values()].filter(
      (job) => job.isOurs && job.conclusion === "failure" && !asked.has(job),
    );
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
