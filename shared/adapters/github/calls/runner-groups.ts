// The id of a runner group, which GitHub's API wants, from its name, which people know; and whom a group admits.
import * as z from "zod/mini";
import type { EpochMs } from "../../../domain/ids.ts";
import type { Clock } from "../../../ports/clock.ts";
import { type Caller, GithubError } from "../../../ports/github.ts";
import { createCache } from "../cache.ts";
import type { Credential } from "../credential.ts";
import type { Send } from "../send.ts";
import type { AsCaller } from "./installations.ts";

/** Every organization's and repository's "Default" group. */
export const DEFAULT_GROUP = 1;

/** Groups are created by hand, a few in a lifetime; a renamed or deleted one is noticed when GitHub refuses it. */
const KEEP_MS = 10 * 60_000;
/** A name that is not there is asked again after this: somebody is just creating it, but not for every job anew. */
const MISS_MS = 30_000;
/** A repository that is admitted is asked about once an hour: what is taken back meanwhile shows by an idle runner. */
const ADMITTED_MS = 60 * 60_000;
const PER_PAGE = 100;
/** GitHub allows an enterprise 10,000 groups. */
const MAX_PAGES = 100;

/** `name` undefined: the organization's default group. */
export type RunnerGroups = {
  /** Throws GithubError `not-found` for a name that the organization does not have. */
  idOf(caller: Caller, org: string, name: string): Promise<number>;
  /** Why GitHub would give a runner of the group no job of the repository; undefined where it would, or does not say. */
  refusal(caller: Caller, org: string, name: string | undefined, repo: string): Promise<string | undefined>;
  forget(org: string): void;
};

type Group = z.infer<typeof groupsJson>["runner_groups"][number];
type Groups = readonly Group[];
type Deps = {
  readonly send: Send;
  readonly asCaller: AsCaller;
  readonly clock: Clock;
  readonly site: string;
};

export function createRunnerGroups(deps: Deps): RunnerGroups {
  const { clock } = deps;
  const groups = createCache<Groups>(clock);
  const missing = createCache<true>(clock);
  const admitted = createCache<boolean>(clock);

  const load = async (caller: Caller, org: string): Promise<Groups> =>
    await groups.get(org.toLowerCase(), async () => ({
      value: await list(deps, caller, org),
      until: clock.now() + KEEP_MS,
    }));

  async function idOf(caller: Caller, org: string, name: string): Promise<number> {
    const missKey = `${org}/${name}`.toLowerCase();
    const known = named(await load(caller, org), name);
    if (known !== undefined) return known.id;
    if (missing.peek(missKey) === undefined) {
      groups.forget(org.toLowerCase());
      const found = named(await load(caller, org), name);
      if (found !== undefined) return found.id;
      await missing.get(missKey, async () => ({ value: true, until: clock.now() + MISS_MS }));
    }
    throw unknownGroup(org, name, deps.site);
  }

  return {
    forget: (org) => groups.forget(org.toLowerCase()),
    idOf,
    async refusal(caller, org, name, repo) {
      const id = name === undefined ? undefined : await idOf(caller, org, name);
      const isAdmitted = await admitted.get(`${org}/${repo} ${id}`.toLowerCase(), () =>
        admits(deps, caller, { org, repo, id }),
      );
      return isAdmitted ? undefined : refusalText(deps.site, { org, repo, name, id });
    },
  };
}

/** Of several that differ in case, an enterprise's among them: the very name first, then the organization's own. */
function named(groups: Groups, name: string): Group | undefined {
  const same = groups.filter((group) => group.name.toLowerCase() === name.toLowerCase());
  const rank = (group: Group) => (group.name === name ? 0 : 2) + (group.inherited === true ? 1 : 0);
  return same.sort((a, b) => rank(a) - rank(b))[0];
}

type Asked = { readonly org: string; readonly repo: string; readonly id: number | undefined };

/** Says yes where GitHub does not answer: the registration itself will tell, or the runner's idle limit. */
async function admits(
  deps: Deps,
  caller: Caller,
  { org, repo, id }: Asked,
): Promise<{ readonly value: boolean; readonly until: EpochMs }> {
  try {
    const visible = await list(deps, caller, org, repo);
    const value = visible.some((group) => (id === undefined ? group.default : group.id === id));
    return { value, until: deps.clock.now() + (value ? ADMITTED_MS : MISS_MS) };
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    return { value: true, until: deps.clock.now() + KEEP_MS };
  }
}

function refusalText(site: string, { org, repo, name, id }: Asked & { name: string | undefined }): string {
  const group = name === undefined ? `The default runner group` : `Runner group "${name}"`;
  return `${group} of organization ${org} does not admit repository ${repo}, so GitHub gives its runners no job of it. Add the repository there, or allow public repositories where it is one: ${site}/organizations/${org}/settings/actions/runner-groups/${id ?? DEFAULT_GROUP}; or set runnerGroup of tenant ${org} in dispatch.yaml to a group that admits it.`;
}

function unknownGroup(org: string, name: string, site: string): GithubError {
  return new GithubError(
    `Organization ${org} has no runner group "${name}". Create it at ${site}/organizations/${org}/settings/actions/runner-groups, or correct runnerGroup of tenant ${org} in dispatch.yaml.`,
    { fault: "not-found" },
  );
}

const groupsJson = z.object({
  runner_groups: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      default: z.optional(z.boolean()),
      /** Of the enterprise. */
      inherited: z.optional(z.boolean()),
    }),
  ),
});

/** `visibleTo`: only those whose runners may be given jobs of this repository. */
async function list(
  { send, asCaller }: Deps,
  caller: Caller,
  org: string,
  visibleTo?: string,
): Promise<Groups> {
  return await asCaller(caller, undefined, async (as: Credential) => {
    const groups: Group[] = [];
    for (let page = 1; page <= MAX_PAGES; page++) {
      const visible = visibleTo === undefined ? {} : { visible_to_repository: visibleTo };
      const call = {
        route: "GET /orgs/{org}/actions/runner-groups",
        parameters: { org, per_page: PER_PAGE, page, ...visible },
        purpose: "list the runner groups",
        target: `organization ${org}`,
        permission: "Organization: Self-hosted runners, read and write",
        // A just-in-time runner needs it.
        class: "start" as const,
      };
      const { runner_groups: batch } = await send(as, call, groupsJson);
      groups.push(...batch);
      if (batch.length < PER_PAGE) break;
    }
    return groups;
  });
}
