// Gives queued workflow jobs to any matching idle runner, takes back what is not picked up, and ends what is lost.
import type { Announce } from "./announce.ts";
import type { JobRecord, RunnerRecord } from "./records.ts";
import { isListening, isOnline, send } from "./runner-state.ts";
import { pick, shuffled } from "./seeded.ts";
import type { WorkflowJobs } from "./workflow-jobs.ts";
import { groupServes, type World } from "./world.ts";

export type AssignmentLimits = {
  /** How long an assigned runner may take to begin; 60 s at GitHub. */
  readonly pickupMs: number;
  /** Time between GitHub's assignment and the runner's hearing of it; 0 at once. */
  readonly assignmentDelayMs: number;
  /** A running job whose runner is silent this long fails; about 10 min at GitHub. */
  readonly lostMs: number;
  /** A cancelled job whose runner does not end it is ended after this long; 5 min at GitHub. */
  readonly cancelMs: number;
};

export type Assignment = {
  /** Assigns what can be assigned now. */
  match(): void;
  /** Applies every time limit that has passed. */
  sweep(): void;
  removeRunner(runner: RunnerRecord): void;
  stop(): void;
};

// https://docs.github.com/actions/hosting-your-own-runners: an ephemeral runner that never connects goes after a day.
const UNCONNECTED_MS = 24 * 60 * 60 * 1_000;

export function createAssignment(deps: {
  readonly world: World;
  readonly now: () => number;
  readonly fraction: () => number;
  readonly jobs: Pick<WorkflowJobs, "finish">;
  readonly announce: Announce;
  readonly limits: AssignmentLimits;
}): Assignment {
  const { world, now, limits } = deps;
  const timers = new Set<NodeJS.Timeout>();

  function match(): void {
    let idle = [...world.runners.values()].filter(isListening);
    if (idle.length === 0) return;
    for (const job of shuffled([...world.unassigned], deps.fraction)) {
      const runner = pick(
        idle.filter((each) => fits(job, each)),
        deps.fraction,
      );
      if (runner === undefined) continue;
      assign(job, runner);
      idle = idle.filter((each) => each !== runner);
      if (idle.length === 0) return;
    }
  }

  function assign(job: JobRecord, runner: RunnerRecord): void {
    world.unassigned.delete(job);
    job.assignedTo = runner;
    job.assignedAt = now();
    runner.assigned = job;
    deps.announce.changed(job);
    const offer = () => send(runner, { type: "job", jobId: job.id });
    if (limits.assignmentDelayMs === 0) {
      offer();
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (runner.assigned === job) offer();
    }, limits.assignmentDelayMs);
    timers.add(timer);
  }

  function unassign(job: JobRecord): void {
    if (job.assignedTo !== undefined) job.assignedTo.assigned = undefined;
    job.assignedTo = undefined;
    world.unassigned.add(job);
    deps.announce.changed(job);
  }

  function sweepRunner(runner: RunnerRecord): void {
    const { assigned, running } = runner;
    if (assigned !== undefined && now() - assigned.assignedAt >= limits.pickupMs) {
      runner.missedAssignment = true;
      unassign(assigned);
    }
    if (running !== undefined && isLost(runner, running)) endLost(runner, running);
    if (isForgotten(runner)) removeRunner(runner);
  }

  function endLost(runner: RunnerRecord, running: JobRecord): void {
    deps.jobs.finish(running, running.cancelRequestedAt === undefined ? "failure" : "cancelled");
    if (runner.ephemeral) removeRunner(runner);
  }

  function isForgotten(runner: RunnerRecord): boolean {
    return runner.ephemeral && !runner.connectedBefore && now() - runner.registeredAt > UNCONNECTED_MS;
  }

  function isLost(runner: RunnerRecord, running: JobRecord): boolean {
    const { cancelRequestedAt } = running;
    if (cancelRequestedAt !== undefined && now() - cancelRequestedAt >= limits.cancelMs) return true;
    return !isOnline(runner) && now() - runner.seenAt >= limits.lostMs;
  }

  function removeRunner(runner: RunnerRecord): void {
    world.runners.delete(runner.id);
    if (runner.assigned !== undefined) unassign(runner.assigned);
    send(runner, { type: "deleted" });
    deps.announce.runner(runner, "removed");
  }

  return {
    match,
    sweep() {
      for (const runner of world.runners.values()) sweepRunner(runner);
      match();
    },
    removeRunner,
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** All the job's labels on the runner, the runner of that owner or repository, and its group open to it. */
function fits(job: JobRecord, runner: RunnerRecord): boolean {
  const { repository } = job.run;
  if (runner.owner !== repository.owner) return false;
  if (runner.repository !== undefined && runner.repository !== repository) return false;
  if (runner.repository === undefined && !groupServes(runner.group, repository)) return false;
  if (job.runnerGroup !== undefined && job.runnerGroup.toLowerCase() !== runner.group.name.toLowerCase())
    return false;
  const names = new Set(runner.labels.map((label) => label.name.toLowerCase()));
  return job.labels.every((label) => names.has(label.toLowerCase()));
}
