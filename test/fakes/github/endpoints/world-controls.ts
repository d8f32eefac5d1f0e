// What a test does to the stand-in's world: people, repositories, workflow jobs, installations.
import type { Announce } from "../announce.ts";
import type { Assignment } from "../assignment.ts";
import type { Deliveries, WebhookPayload } from "../deliveries.ts";
import type { InstallationAction } from "../payloads.ts";
import type { JobRecord, OwnerRecord, Permissions, RunnerGroup, TokenScope } from "../records.ts";
import { isOnline, reportedBusy } from "../runner-state.ts";
import { type NewJob, runOf, type WorkflowJobs } from "../workflow-jobs.ts";
import type { World } from "../world.ts";
import { viewJob, type WorkflowJob } from "./job-view.ts";

export type WorldControls = {
  /** @returns the ids that deliveries of this owner carry. */
  addOrganization(login: string, options?: OrganizationOptions): Ids;
  addUser(login: string, options?: { readonly installed?: boolean }): Ids;
  /** Private unless said otherwise. @returns its id */
  addRepository(owner: string, name: string, options?: { readonly private?: boolean }): number;
  /** @returns a token of a person who may do in this owner what the scopes say. */
  addPersonalAccessToken(owner: string, scopes?: readonly TokenScope[]): string;
  /** A run that goes on until `endRun`, whatever its jobs do. Adds the repository when it is new. @returns its id */
  startRun(owner: string, repo: string): number;
  /** As by a person: `cancelled` cancels its open jobs. */
  endRun(runId: number, conclusion?: "success" | "cancelled"): void;
  /** Adds the repository when it is new. */
  queueWorkflowJob(job: NewJob & { readonly owner: string; readonly repo: string }): WorkflowJob;
  approve(jobId: number): void;
  /** Before pickup the job ends at once; while it runs its runner is told. */
  cancel(jobId: number): void;
  /** @returns the job of the new attempt */
  rerun(jobId: number): WorkflowJob;
  workflowJob(jobId: number): WorkflowJob;
  workflowJobs(): WorkflowJob[];
  runners(owner: string): StandInRunner[];
  /** The registration vanishes, as idle just-in-time runners are reported to. */
  removeRunner(name: string): void;
  /** Changes the installation and tells the webhook. */
  installationEvent(action: InstallationAction, org: string): void;
  /** Sends any delivery, signed and logged. */
  deliver(event: string, payload: WebhookPayload): void;
};

type OrganizationOptions = {
  readonly installed?: boolean;
  readonly suspended?: boolean;
  /** What the App was granted there. */
  readonly permissions?: Permissions;
  /** Beside the group Default. */
  readonly runnerGroups?: readonly NewRunnerGroup[];
};

type NewRunnerGroup = Pick<RunnerGroup, "name"> & Partial<Omit<RunnerGroup, "id" | "name">>;
type Ids = { readonly ownerId: number; readonly installationId: number | undefined };

type StandInRunner = {
  readonly id: number;
  readonly name: string;
  readonly repo: string | undefined;
  readonly runnerGroup: string;
  readonly labels: readonly string[];
  readonly status: "online" | "offline";
  /** What GitHub's API says, lag included. */
  readonly busy: boolean;
  readonly ephemeral: boolean;
  readonly version: string | undefined;
  readonly assignedJobId: number | undefined;
  readonly runningJobId: number | undefined;
};

export function createWorldControls(deps: {
  readonly world: World;
  readonly now: () => number;
  readonly jobs: WorkflowJobs;
  readonly assignment: Assignment;
  readonly announce: Announce;
  readonly deliveries: Deliveries;
  readonly busyLagMs: () => number;
}): WorldControls {
  const { world, now, jobs } = deps;

  function jobOf(id: number): JobRecord {
    const job = world.jobs.get(id);
    if (job === undefined) throw new Error(`The stand-in has no workflow job ${id}.`);
    return job;
  }

  function addOwner(login: string, type: OwnerRecord["type"], options: OrganizationOptions): Ids {
    const owner = world.addOwner(login, type);
    for (const group of options.runnerGroups ?? []) owner.runnerGroups.push(newGroup(world, group));
    if (options.installed === false) return { ownerId: owner.id, installationId: undefined };
    const installation = world.install(owner, options.permissions);
    if (options.suspended) installation.suspendedAt = now();
    return { ownerId: owner.id, installationId: installation.id };
  }

  function repositoryOf(login: string, name: string) {
    const owner = world.owner(login);
    return owner.repositories.get(name.toLowerCase()) ?? world.addRepository(owner, name, true);
  }

  return {
    addOrganization: (login, options = {}) => addOwner(login, "Organization", options),
    addUser: (login, options = {}) => addOwner(login, "User", options),
    addRepository: (owner, name, options = {}) =>
      world.addRepository(world.owner(owner), name, options.private ?? true).id,
    addPersonalAccessToken: (owner, scopes = ["repo", "admin:org"]) =>
      world.addPersonalToken(world.owner(owner), scopes),
    startRun(owner, repo) {
      const run = runOf(world, repositoryOf(owner, repo), {}, now());
      run.open = true;
      return run.id;
    },
    endRun(runId, conclusion = "success") {
      const run = world.runs.get(runId);
      if (run === undefined) throw new Error(`The stand-in has no run ${runId}.`);
      run.open = false;
      if (conclusion === "cancelled") for (const job of run.jobs) jobs.cancel(job);
    },
    queueWorkflowJob: ({ owner, repo, ...job }) => viewJob(jobs.queue(repositoryOf(owner, repo), job)),
    approve: (id) => jobs.approve(jobOf(id)),
    cancel: (id) => jobs.cancel(jobOf(id)),
    rerun: (id) => viewJob(jobs.rerun(jobOf(id))),
    workflowJob: (id) => viewJob(jobOf(id)),
    workflowJobs: () => [...world.jobs.values()].map(viewJob),
    runners(login) {
      const owner = world.owner(login);
      const theirs = [...world.runners.values()].filter((runner) => runner.owner === owner);
      return theirs.map((runner) => ({
        id: runner.id,
        name: runner.name,
        repo: runner.repository?.name,
        runnerGroup: runner.group.name,
        labels: runner.labels.map((label) => label.name),
        status: isOnline(runner) ? "online" : "offline",
        busy: reportedBusy(runner, now(), deps.busyLagMs()),
        ephemeral: runner.ephemeral,
        version: runner.version,
        assignedJobId: runner.assigned?.id,
        runningJobId: runner.running?.id,
      }));
    },
    removeRunner(name) {
      const runner = [...world.runners.values()].find((each) => each.name === name);
      if (runner === undefined) throw new Error(`The stand-in has no runner "${name}".`);
      deps.assignment.removeRunner(runner);
    },
    installationEvent: (action, org) => changeInstallation(deps, action, world.owner(org)),
    deliver: (event, payload) => deps.deliveries.emit(event, payload),
  };
}

function changeInstallation(
  { world, now, announce }: { world: World; now: () => number; announce: Announce },
  action: InstallationAction,
  owner: OwnerRecord,
): void {
  const installation = action === "created" ? world.install(owner) : owner.installation;
  if (installation === undefined) throw new Error(`The App is not installed at ${owner.login}.`);
  if (action === "suspend") installation.suspendedAt = now();
  if (action === "unsuspend") installation.suspendedAt = undefined;
  if (action === "deleted") owner.installation = undefined;
  announce.installation(installation, action);
}

function newGroup(world: World, group: NewRunnerGroup): RunnerGroup {
  const open = { visibility: "all", repositories: [], allowsPublicRepositories: false } as const;
  return { ...open, ...group, id: world.nextId("group") };
}
