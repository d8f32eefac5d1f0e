// GitHub's own side: workflow jobs, registrations, and who gives what to whom. Any matching runner may get any matching
// job.
import type { WorkflowJobWord } from "../../../shared/domain/github-event.ts";
import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Draw } from "../engine/draw.ts";
import type { Timeline } from "../engine/timeline.ts";
import type { Trace } from "../engine/trace.ts";
import type { Weather } from "../engine/weather.ts";
import type { RunnerHost, SimJob, SimRunner } from "./github-things.ts";
import { fits, isFree, wordOf } from "./github-things.ts";

type NewSimJob = Pick<SimJob, "base" | "runMs" | "fails" | "isOurs"> & {
  readonly status: "queued" | "waiting";
};

export type GithubWorld = {
  readonly jobs: ReadonlyMap<number, SimJob>;
  readonly runners: ReadonlyMap<string, SimRunner>;
  create(job: NewSimJob): SimJob;
  /** Past its gate. */
  approve(job: SimJob): void;
  cancel(job: SimJob): void;
  /** Ends without any runner. */
  close(job: SimJob, conclusion: string): void;
  register(name: string, scope: RunnerScope, labels: readonly string[]): SimRunner;
  connect(name: string, host: RunnerHost): void;
  /** Its process has ended. */
  disconnect(name: string): void;
  remove(runner: SimRunner): void;
  nextId(): number;
};

export type GithubWorldOptions = {
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly weather: Weather;
  readonly draw: Draw;
  readonly announces: "assignment" | "pickup";
  /** A change that a webhook tells. */
  readonly tell: (word: WorkflowJobWord, job: SimJob) => void;
  /** A runner has begun a job. */
  readonly onRun: (job: SimJob, runner: SimRunner) => void;
};

/** GitHub gives a job again when its runner has not picked it up by then. */
const PICKUP_LIMIT_MS = 60_000;
/** What no runner took by then is cancelled. */
const QUEUE_LIMIT_MS = 24 * 3_600_000;
/** A job whose runner is gone ends after this: "lost communication". */
const LOST_RUNNER_MS = 10 * 60_000;

export function createGithubWorld(options: GithubWorldOptions): GithubWorld {
  const { timeline, trace, weather, draw, announces, tell, onRun } = options;
  const jobs = new Map<number, SimJob>();
  const runners = new Map<string, SimRunner>();
  let lastId = 100_000_000_000;
  let isMatching = false;

  return {
    jobs,
    runners,
    nextId: () => ++lastId,
    create(fresh) {
      const job: SimJob = {
        ...fresh,
        id: fresh.base.workflowJobId,
        conclusion: undefined,
        named: undefined,
        startedAt: undefined,
        endedAt: undefined,
        runner: undefined,
        hasBegun: false,
        ranOn: [],
      };
      jobs.set(job.id, job);
      say(job);
      if (job.status === "queued") queue(job);
      return job;
    },
    approve(job) {
      if (job.status !== "waiting") return;
      job.status = "queued";
      say(job);
      queue(job);
    },
    cancel(job) {
      if (job.status === "completed") return;
      if (job.hasBegun) timeline.after(draw.between(1_000, 10_000), () => complete(job, "cancelled"));
      else complete(job, "cancelled");
    },
    close: complete,
    register(name, scope, labels) {
      const known = runners.get(name);
      if (known !== undefined) return known;
      const runner: SimRunner = {
        id: ++lastId,
        name,
        scope,
        labels: new Set(labels.map((label) => label.toLowerCase())),
        createdAt: timeline.now(),
        host: undefined,
        job: undefined,
        changedAt: timeline.now(),
      };
      runners.set(name, runner);
      trace.note("github", "registered", name);
      return runner;
    },
    connect(name, host) {
      const runner = runners.get(name);
      if (runner === undefined) {
        host.removed();
        return;
      }
      runner.host = host;
      matchSoon();
    },
    disconnect(name) {
      const runner = runners.get(name);
      if (runner === undefined) return;
      runner.host = undefined;
      const { job } = runner;
      if (job?.hasBegun === true) timeline.after(LOST_RUNNER_MS, () => complete(job, "failure"));
    },
    remove(runner) {
      runners.delete(runner.name);
      trace.note("github", "removed", runner.name);
      const { host } = runner;
      runner.host = undefined;
      host?.removed();
    },
  };

  function say(job: SimJob): void {
    trace.note("github", job.status, `gh-${job.id}`, job.named?.name ?? job.conclusion);
    if (job.isOurs) tell(wordOf(job), job);
  }

  function queue(job: SimJob): void {
    matchSoon();
    timeline.after(QUEUE_LIMIT_MS, () => {
      if (job.status === "queued" && job.runner === undefined) complete(job, "cancelled");
    });
  }

  function matchSoon(): void {
    if (isMatching) return;
    isMatching = true;
    timeline.after(draw.between(200, 2_500), () => {
      isMatching = false;
      match();
    });
  }

  function match(): void {
    const idle = [...runners.values()].filter((one) => one.host !== undefined && one.job === undefined);
    while (idle.length > 0) {
      const runner = idle.splice(draw.between(0, idle.length - 1), 1)[0] as SimRunner;
      const fitting = [...jobs.values()].filter((job) => isFree(job) && fits(runner, job));
      if (fitting.length > 0) assign(draw.chance(0.5) ? (fitting[0] as SimJob) : draw.pick(fitting), runner);
    }
  }

  function assign(job: SimJob, runner: SimRunner): void {
    job.runner = runner;
    setJob(runner, job);
    trace.note("github", "assigned", `gh-${job.id}`, runner.name);
    if (announces === "assignment") announce(job, runner);
    timeline.after(PICKUP_LIMIT_MS, () => giveUp(job, runner));
    if (weather.strikes("no-pickup", runner.name)) return;
    const isLate = weather.strikes("late-pickup", runner.name);
    timeline.after(isLate ? draw.between(10_000, 55_000) : draw.between(300, 4_000), () =>
      begin(job, runner),
    );
  }

  function begin(job: SimJob, runner: SimRunner): void {
    const isOver = job.hasBegun || job.status === "completed";
    if (job.runner !== runner || isOver || runner.host === undefined) return;
    job.hasBegun = true;
    job.ranOn.push(runner.name);
    onRun(job, runner);
    if (job.named?.name !== runner.name) announce(job, runner);
    runner.host.run(job);
    timeline.after(job.runMs, () => {
      if (job.runner === runner && runner.host !== undefined)
        complete(job, job.fails ? "failure" : "success");
    });
  }

  function announce(job: SimJob, runner: SimRunner): void {
    job.status = "in_progress";
    job.named = { id: runner.id, name: runner.name };
    job.startedAt = timeline.now();
    say(job);
  }

  /** Its runner has not begun: back into GitHub's queue, which no event tells. */
  function giveUp(job: SimJob, runner: SimRunner): void {
    if (job.runner !== runner || job.hasBegun || job.status === "completed") return;
    job.runner = undefined;
    job.status = "queued";
    job.named = undefined;
    setJob(runner, undefined);
    trace.note("github", "given-up", `gh-${job.id}`, runner.name);
    matchSoon();
  }

  function complete(job: SimJob, conclusion: string): void {
    if (job.status === "completed") return;
    const { runner } = job;
    job.status = "completed";
    job.conclusion = conclusion;
    job.endedAt = timeline.now();
    if (runner !== undefined && !job.hasBegun) setJob(runner, undefined);
    say(job);
    if (runner === undefined || !job.hasBegun) return;
    // An ephemeral runner's registration goes with its job.
    runners.delete(runner.name);
    setJob(runner, undefined);
    runner.host?.end(job);
  }

  function setJob(runner: SimRunner, job: SimJob | undefined): void {
    runner.job = job;
    runner.changedAt = timeline.now();
  }
}
