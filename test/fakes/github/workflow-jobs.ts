// The life of workflow jobs at GitHub: queued, approved, taken, finished, cancelled, run again.
import type { Announce } from "./announce.ts";
import type {
  Conclusion,
  JobContainer,
  JobRecord,
  PlannedStep,
  Repository,
  RunnerRecord,
  RunRecord,
  Step,
} from "./records.ts";
import { send, setRunning } from "./runner-state.ts";
import type { World } from "./world.ts";

export type NewJob = {
  readonly labels: readonly string[];
  readonly name?: string;
  readonly workflowName?: string;
  /** The lines of the job's one `run:` step. */
  readonly run?: readonly string[];
  /** Its steps, instead of `run`. */
  readonly steps?: readonly PlannedStep[];
  /** What the event of its run has beside the repository, such as `pull_request`. */
  readonly payload?: unknown;
  /** `container:`; GitHub tells only the runner. */
  readonly container?: JobContainer;
  /** The job names an environment; unless approved it waits for `approve`. */
  readonly environment?: { readonly approved: boolean };
  /** The run waits for approval (a first pull request from a fork): nothing is sent before `approve`. */
  readonly needsApproval?: boolean;
  /** `runs-on: {group}`; GitHub does not show it in any answer. */
  readonly runnerGroup?: string;
  /** Its `if:` is false: it ends as skipped at once. */
  readonly skipped?: boolean;
  /** Adds the job to this run; a new run otherwise. */
  readonly runId?: number;
  readonly event?: string;
};

export type WorkflowJobs = {
  queue(repository: Repository, job: NewJob): JobRecord;
  approve(job: JobRecord): void;
  /** Ends a job that no runner took; tells the runner of one that runs. */
  cancel(job: JobRecord): void;
  /** A new attempt of the job's run: this job again, the others carried over. */
  rerun(job: JobRecord): JobRecord;
  start(job: JobRecord, runner: RunnerRecord): void;
  addStep(job: JobRecord, step: Omit<Step, "number" | "status">): void;
  finish(job: JobRecord, conclusion: Conclusion): void;
};

export function createWorkflowJobs(deps: {
  readonly world: World;
  readonly now: () => number;
  readonly announce: Announce;
  /** Called after a job began to wait for a runner. */
  readonly onWaiting: () => void;
}): WorkflowJobs {
  const { world, now, announce } = deps;

  function make(
    run: RunRecord,
    job: Pick<
      JobRecord,
      "name" | "labels" | "runnerGroup" | "script" | "plan" | "payload" | "container" | "environment"
    >,
  ) {
    const record: JobRecord = {
      ...job,
      id: world.nextId("job"),
      run,
      attempt: run.attempt,
      createdAt: now(),
      status: "pending",
      conclusion: undefined,
      startedAt: undefined,
      completedAt: undefined,
      assignedTo: undefined,
      assignedAt: 0,
      runningOn: undefined,
      takenBy: undefined,
      cancelRequestedAt: undefined,
      lines: [],
      steps: [],
    };
    world.jobs.set(record.id, record);
    run.jobs.push(record);
    return record;
  }

  function makeReady(job: JobRecord): void {
    job.status = "queued";
    world.unassigned.add(job);
    announce.job(job, "queued");
    deps.onWaiting();
  }

  /** GitHub announces a gated job as queued with status waiting, and once more when the gate opens. */
  function makeGated(job: JobRecord): void {
    job.status = "waiting";
    announce.gatedJob(job);
    announce.job(job, "waiting");
  }

  function finish(job: JobRecord, conclusion: Conclusion): void {
    world.unassigned.delete(job);
    job.status = "completed";
    job.conclusion = conclusion;
    job.completedAt = now();
    release(job);
    announce.job(job, "completed");
  }

  function release(job: JobRecord): void {
    if (job.assignedTo !== undefined) job.assignedTo.assigned = undefined;
    job.assignedTo = undefined;
    if (job.runningOn !== undefined) setRunning(job.runningOn, undefined, now());
    job.runningOn = undefined;
  }

  function rerun(job: JobRecord): JobRecord {
    const { run } = job;
    const former = run.jobs.filter((each) => each.attempt === run.attempt);
    const open = former.find((each) => each.status !== "completed");
    if (open !== undefined) throw new Error(`Run ${run.id} cannot run again: job ${open.id} has not ended.`);
    run.attempt += 1;
    const again = make(run, job);
    makeReady(again);
    for (const other of former.filter((each) => each !== job)) carryOver(other, make(run, other));
    return again;
  }

  function carryOver(from: JobRecord, to: JobRecord): void {
    const { status, conclusion, startedAt, completedAt, takenBy } = from;
    Object.assign(to, { status, conclusion, startedAt, completedAt, takenBy });
    to.steps.push(...from.steps);
    announce.job(to, "completed");
  }

  return {
    queue(repository, job) {
      const record = make(runOf(world, repository, job, now()), {
        name: job.name ?? "build",
        labels: [...job.labels],
        runnerGroup: job.runnerGroup,
        script: [...(job.run ?? [])],
        plan: job.steps,
        payload: job.payload,
        container: job.container,
        environment: job.environment !== undefined,
      });
      if (job.skipped) finish(record, "skipped");
      else if (job.needsApproval) announce.changed(record);
      else if (job.environment === undefined) makeReady(record);
      else {
        makeGated(record);
        if (job.environment.approved) makeReady(record);
      }
      return record;
    },
    approve(job) {
      if (job.status === "pending" && job.environment) makeGated(job);
      else if (job.status === "pending" || job.status === "waiting") makeReady(job);
      else throw new Error(`Job ${job.id} is ${job.status}: there is nothing to approve.`);
    },
    cancel(job) {
      if (job.status === "completed" || job.cancelRequestedAt !== undefined) return;
      if (job.runningOn === undefined) return finish(job, "cancelled");
      job.cancelRequestedAt = now();
      send(job.runningOn, { type: "cancel", jobId: job.id });
    },
    rerun,
    start(job, runner) {
      job.status = "in_progress";
      job.startedAt = now();
      job.takenBy = {
        id: runner.id,
        name: runner.name,
        groupId: runner.group.id,
        groupName: runner.group.name,
      };
      job.assignedTo = undefined;
      runner.assigned = undefined;
      job.runningOn = runner;
      setRunning(runner, job, now());
      announce.job(job, "in_progress");
    },
    addStep: (job, step) =>
      void job.steps.push({ ...step, number: job.steps.length + 1, status: "completed" }),
    finish,
  };
}

export function runOf(
  world: World,
  repository: Repository,
  job: Pick<NewJob, "runId" | "workflowName" | "event">,
  now: number,
): RunRecord {
  const known = job.runId === undefined ? undefined : world.runs.get(job.runId);
  if (known !== undefined) return known;
  const id = job.runId ?? world.nextId("run");
  const run: RunRecord = {
    id,
    repository,
    workflowName: job.workflowName ?? "CI",
    number: world.runs.size + 1,
    event: job.event ?? "push",
    createdAt: now,
    attempt: 1,
    open: false,
    jobs: [],
  };
  world.runs.set(id, run);
  return run;
}
