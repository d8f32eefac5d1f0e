// The id of a runner group, which GitHub's API wants, from its name, which people know.
import * as z from "zod/mini";
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
const PER_PAGE = 100;
/** GitHub allows an enterprise 10,000 groups. */
const MAX_PAGES = 100;

export type RunnerGroups = {
  /** Throws GithubError `not-found` for a name that the organization does not have. */
  idOf(caller: Caller, org: string, name: string): Promise<number>;
  forget(org: string): void;
};

type Groups = ReadonlyMap<string, number>;

export function createRunnerGroups(deps: {
  readonly send: Send;
  readonly asCaller: AsCaller;
  readonly clock: Clock;
  readonly site: string;
}): RunnerGroups {
  const groups = createCache<Groups>(deps.clock);
  const missing = createCache<true>(deps.clock);

  async function load(caller: Caller, org: string): Promise<Groups> {
    return await groups.get(org.toLowerCase(), async () => ({
      value: await deps.asCaller(caller, undefined, (as) => list(deps.send, as, org)),
      until: deps.clock.now() + KEEP_MS,
    }));
  }

  return {
    forget: (org) => groups.forget(org.toLowerCase()),
    async idOf(caller, org, name) {
      const wanted = name.toLowerCase();
      const missKey = `${org.toLowerCase()}/${wanted}`;
      const known = (await load(caller, org)).get(wanted);
      if (known !== undefined) return known;
      if (missing.peek(missKey) === undefined) {
        groups.forget(org.toLowerCase());
        const id = (await load(caller, org)).get(wanted);
        if (id !== undefined) return id;
        await missing.get(missKey, async () => ({ value: true, until: deps.clock.now() + MISS_MS }));
      }
      throw unknownGroup(org, name, deps.site);
    },
  };
}

function unknownGroup(org: string, name: string, site: string): GithubError {
  return new GithubError(
    `Organization ${org} has no runner group "${name}". Create it at ${site}/organizations/${org}/settings/actions/runner-groups, or correct runnerGroup of tenant ${org} in dispatch.yaml.`,
    { fault: "not-found" },
  );
}

const groupsJson = z.object({
  runner_groups: z.array(z.object({ id: z.int(), name: z.string() })),
});

async function list(send: Send, as: Credential, org: string): Promise<Groups> {
  const groups = new Map<string, number>();
  for (let page = 1; page <= MAX_PAGES; page++) {
    const call = {
      route: "GET /orgs/{org}/actions/runner-groups",
      parameters: { org, per_page: PER_PAGE, page },
      purpose: "list the runner groups",
      target: `organization ${org}`,
      permission: "Organization: Self-hosted runners, read and write",
      // A just-in-time runner needs it.
      class: "start" as const,
    };
    const { runner_groups: batch } = await send(as, call, groupsJson);
    for (const group of batch) groups.set(group.name.toLowerCase(), group.id);
    if (batch.length < PER_PAGE) break;
  }
  return groups;
}
