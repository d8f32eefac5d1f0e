// What the stand-in remembers: owners, installations, repositories, runner groups, runners and workflow jobs.
import { randomBytes } from "node:crypto";
import type {
  Installation,
  JobRecord,
  OwnerRecord,
  Permissions,
  PersonalToken,
  Repository,
  RunnerGroup,
  RunnerRecord,
  RunRecord,
  Scope,
} from "./records.ts";

export type World = {
  readonly owners: Map<string, OwnerRecord>;
  readonly runners: Map<number, RunnerRecord>;
  readonly jobs: Map<number, JobRecord>;
  readonly runs: Map<number, RunRecord>;
  readonly personalTokens: Map<string, PersonalToken>;
  /** Jobs that wait for a runner and are assigned to none, oldest first. */
  readonly unassigned: Set<JobRecord>;
  nextId(kind: keyof typeof FIRST_IDS): number;
  owner(login: string): OwnerRecord;
  addOwner(login: string, type: OwnerRecord["type"]): OwnerRecord;
  install(owner: OwnerRecord, permissions?: Permissions): Installation;
  installation(id: number): Installation | undefined;
  addRepository(owner: OwnerRecord, name: string, isPrivate: boolean): Repository;
  /** Without an owner it is good for every owner. */
  addPersonalToken(owner: OwnerRecord | undefined, scopes: PersonalToken["scopes"]): string;
  findRunner(scope: Scope, name: string): RunnerRecord | undefined;
};

export const DEFAULT_GROUP: RunnerGroup = {
  id: 1,
  name: "Default",
  visibility: "all",
  repositories: [],
  allowsPublicRepositories: false,
};

const DEFAULT_PERMISSIONS: Permissions = {
  metadata: "read",
  actions: "write",
  administration: "write",
  organization_self_hosted_runners: "write",
};

// Job ids passed 10^11 in 2026 and delivery ids 2^53 long before: https://docs.github.com/rest/apps/webhooks
const FIRST_IDS = {
  owner: 9_919_000,
  repository: 740_000_000,
  installation: 51_000_000,
  group: 2,
  runner: 1_800,
  run: 18_000_000_000,
  job: 100_520_616_165,
} as const;

export function createWorld(now: () => number): World {
  const next = { ...FIRST_IDS } as Record<keyof typeof FIRST_IDS, number>;
  const owners = new Map<string, OwnerRecord>();
  const runners = new Map<number, RunnerRecord>();
  const installations = new Map<number, Installation>();
  const world: World = {
    owners,
    runners,
    jobs: new Map(),
    runs: new Map(),
    personalTokens: new Map(),
    unassigned: new Set(),
    nextId: (kind) => next[kind]++,
    owner(login) {
      const owner = owners.get(login.toLowerCase());
      if (owner === undefined) throw new Error(`The stand-in knows no owner "${login}": add it first.`);
      return owner;
    },
    addOwner(login, type) {
      const owner: OwnerRecord = {
        id: world.nextId("owner"),
        login,
        type,
        repositories: new Map(),
        runnerGroups: [DEFAULT_GROUP],
        installation: undefined,
      };
      owners.set(login.toLowerCase(), owner);
      return owner;
    },
    install(owner, permissions = DEFAULT_PERMISSIONS) {
      const id = world.nextId("installation");
      const installation = { id, owner, permissions, createdAt: now(), suspendedAt: undefined };
      installations.set(id, installation);
      owner.installation = installation;
      return installation;
    },
    installation(id) {
      const installation = installations.get(id);
      return installation?.owner.installation === installation ? installation : undefined;
    },
    addRepository(owner, name, isPrivate) {
      const repository = { id: world.nextId("repository"), owner, name, private: isPrivate };
      owner.repositories.set(name.toLowerCase(), repository);
      return repository;
    },
    addPersonalToken(owner, scopes) {
      const token = `ghp_${secret(27).replaceAll(/[-_]/g, "x")}`;
      world.personalTokens.set(token, { token, owner, scopes });
      return token;
    },
    findRunner: (scope, name) =>
      [...runners.values()].find(
        (runner) => sameScope(runner, scope) && runner.name.toLowerCase() === name.toLowerCase(),
      ),
  };
  return world;
}

export function sameScope(a: Scope, b: Scope): boolean {
  return a.owner === b.owner && a.repository === b.repository;
}

export function groupServes(group: RunnerGroup, repository: Repository): boolean {
  if (!(repository.private || group.allowsPublicRepositories)) return false;
  if (group.visibility === "all") return true;
  if (group.visibility === "private") return repository.private;
  return group.repositories.some((name) => name.toLowerCase() === repository.name.toLowerCase());
}

export function secret(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}
