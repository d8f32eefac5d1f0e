// A tenant is a GitHub organization or repository owner.
import type { InstallationEvent } from "../github-event.ts";
import type { EpochMs, TenantId } from "../ids.ts";

/**
 * `pending`: installed the App, nobody has approved it. `suspended` and `removed` follow the installation events.
 * Only an `approved` tenant's jobs start workers.
 */
export type TenantState = "pending" | "approved" | "suspended" | "removed";

export type Tenant = {
  readonly id: TenantId;
  readonly version: number;
  readonly login: string;
  readonly ownerType: "Organization" | "User";
  /** A hint: GitHub has delivered wrong ones (runs-on#509); resolved again when it answers 404. */
  readonly installationId: number | undefined;
  /** The event that the state follows: one that GitHub sent before it may come after it. */
  readonly installationEvent?: Pick<InstallationEvent, "action" | "updatedAt"> | undefined;
  readonly state: TenantState;
  readonly updatedAt: EpochMs;
};

/** What dispatch.yaml says of an owner; naming one approves it. */
export type TenantSettings = {
  /** Login, compared case-insensitively. */
  readonly owner: string;
  readonly ownerId: TenantId | undefined;
  readonly runnerGroup: string | undefined;
  readonly weight: number;
  readonly maxCards: number | undefined;
  readonly maxWorkers: number | undefined;
  /** Inputs and results of its API jobs, bytes; undefined: as for everybody. */
  readonly storedBytes: number | undefined;
  /** Of its bodies, and of its large answers, at a time, bytes; undefined: as for everybody. */
  readonly bytesUnderWay: number | undefined;
  readonly bytesPerSecond: number | undefined;
  /** Where runners are registered; `auto`: at the organization, for a user's repository at the repository. */
  readonly level: "auto" | "organization" | "repository";
} & TenantPolicy;

/** Which of the owner's jobs may run. In names `*` stands for any text. */
export type TenantPolicy = {
  /** Names without the owner; undefined: all. */
  readonly repositories: readonly string[] | undefined;
  /** Workflow files (`.github/workflows/npu.yml`), with `@` and a full ref where that matters; undefined: all. */
  readonly workflows: readonly string[] | undefined;
  /** Whether a pull request whose head is in another repository may run: its code is anybody's. */
  readonly forks: "refuse" | "allow";
};

export const DEFAULT_TENANT_SETTINGS: Omit<TenantSettings, "owner"> = {
  ownerId: undefined,
  runnerGroup: undefined,
  weight: 1,
  maxCards: undefined,
  maxWorkers: undefined,
  storedBytes: undefined,
  bytesUnderWay: undefined,
  bytesPerSecond: undefined,
  level: "auto",
  repositories: undefined,
  workflows: undefined,
  forks: "refuse",
};

/**
 * The settings that apply to an owner; undefined when the configuration does not name it. An entry with an id is
 * compared by it alone: whoever takes over the login of a renamed owner is a stranger.
 */
export function settingsOf(
  settings: readonly TenantSettings[],
  owner: { readonly id: TenantId; readonly login: string },
): TenantSettings | undefined {
  const login = owner.login.toLowerCase();
  return (
    settings.find((entry) => entry.ownerId === owner.id) ??
    settings.find((entry) => entry.ownerId === undefined && entry.owner.toLowerCase() === login)
  );
}
