// What the stand-in keeps of each owner, installation, repository, runner and workflow job.

export type OwnerRecord = {
  readonly id: number;
  readonly login: string;
  readonly type: "Organization" | "User";
  readonly repositories: Map<string, Repository>;
  readonly runnerGroups: RunnerGroup[];
  installation: Installation | undefined;
};

export type Permissions = Readonly<Record<string, "read" | "write">>;

export type Installation = {
  readonly id: number;
  readonly owner: OwnerRecord;
  readonly permissions: Permissions;
  readonly createdAt: number;
  suspendedAt: number | undefined;
};

/** A person's own token: for everything of one owner, or of every owner. */
export type PersonalToken = {
  readonly token: string;
  readonly owner: OwnerRecord | undefined;
  readonly scopes: readonly TokenScope[];
};

export type TokenScope = "repo" | "admin:org";

export type Repository = {
  readonly id: number;
  readonly owner: OwnerRecord;
  readonly name: string;
  readonly private: boolean;
};

export type RunnerGroup = {
  readonly id: number;
  readonly name: string;
  readonly visibility: "all" | "selected" | "private";
  /** Names of the repositories that a `selected` group serves. */
  readonly repositories: readonly string[];
  readonly allowsPublicRepositories: boolean;
  /** An enterprise's, shown to the organization. */
  readonly inherited?: boolean;
};

/** Where a runner is registered: an organization, or one repository. */
export type Scope = { readonly owner: OwnerRecord; readonly repository: Repository | undefined };

export type RunnerRecord = Scope & {
  readonly id: number;
  readonly name: string;
  readonly group: RunnerGroup;
  readonly labels: readonly RunnerLabel[];
  readonly ephemeral: boolean;
  readonly jit: boolean;
  readonly workFolder: string;
  /** Shown by the runner on every call to the private plane. */
  readonly credential: string;
  readonly registeredAt: number;
  version: string | undefined;
  os: string;
  connectedBefore: boolean;
  session: string | undefined;
  /** Answers the long poll that the runner holds right now. */
  poll: ((message: Message) => void) | undefined;
  readonly outbox: Message[];
  seenAt: number;
  /** Of the monotonic clock: whether a process lives is a matter of real time, whatever the stand-in's clock says. */
  seenMonotonicMs: number;
  assigned: JobRecord | undefined;
  running: JobRecord | undefined;
  /** It let an assignment pass; nothing is offered to it until its next session. */
  missedAssignment: boolean;
  readonly busyChanges: { readonly at: number; readonly busy: boolean }[];
};

type RunnerLabel = {
  readonly id: number;
  readonly name: string;
  readonly type: "read-only" | "custom";
};
export type Message =
  | { readonly type: "job"; readonly jobId: number }
  | { readonly type: "cancel"; readonly jobId: number }
  | { readonly type: "deleted" };

export type RunRecord = {
  readonly id: number;
  readonly repository: Repository;
  readonly workflowName: string;
  readonly number: number;
  readonly event: string;
  readonly createdAt: number;
  attempt: number;
  /** Held open by a test: the run goes on though no job of it is known, as between two jobs that need each other. */
  open: boolean;
  /** Of every attempt, oldest first. */
  readonly jobs: JobRecord[];
};

export type JobStatus = "pending" | "waiting" | "queued" | "in_progress" | "completed";
export type Conclusion = "success" | "failure" | "cancelled" | "skipped" | "timed_out";

export type JobContainer = { readonly image: string };

/** A step of a workflow, for the runner alone. With `pre` or `post` it stands for an action that has these. */
export type PlannedStep = {
  readonly name?: string;
  readonly run: string | readonly string[];
  /** `success()` when left out. */
  readonly if?: "success()" | "always()" | "failure()" | "cancelled()" | "!cancelled()";
  readonly pre?: string;
  readonly post?: string;
};

export type JobRecord = {
  readonly id: number;
  readonly run: RunRecord;
  readonly attempt: number;
  readonly name: string;
  readonly labels: readonly string[];
  readonly runnerGroup: string | undefined;
  readonly script: readonly string[];
  /** Instead of `script`. */
  readonly plan: readonly PlannedStep[] | undefined;
  /** What the event of its run has beside the repository. */
  readonly payload: unknown;
  readonly container: JobContainer | undefined;
  readonly environment: boolean;
  readonly createdAt: number;
  status: JobStatus;
  conclusion: Conclusion | undefined;
  startedAt: number | undefined;
  completedAt: number | undefined;
  assignedTo: RunnerRecord | undefined;
  assignedAt: number;
  runningOn: RunnerRecord | undefined;
  /** The runner that took it; kept after the runner is gone. */
  takenBy:
    | { readonly id: number; readonly name: string; readonly groupId: number; readonly groupName: string }
    | undefined;
  cancelRequestedAt: number | undefined;
  readonly lines: string[];
  readonly steps: Step[];
};

export type Step = {
  readonly name: string;
  readonly number: number;
  readonly status: "completed";
  readonly conclusion: "success" | "failure" | "cancelled" | "skipped";
  readonly startedAt: number;
  readonly completedAt: number;
};
