// The calls about runners: register, find, delete.
import * as z from "zod/mini";
import { TOKEN_MARGIN_MS } from "../../../domain/deadlines.ts";
import { type RunnerScope, repositoryOf } from "../../../domain/runner-scope.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Caller, Github, GithubRunner, JitConfig, RegistrationToken } from "../../../ports/github.ts";
import { createCache } from "../cache.ts";
import { type Credential, credentialKey } from "../credential.ts";
import { scopeKey, scopeName, scopePath, scopePermission } from "../scope.ts";
import { answered, type Call, type Send } from "../send.ts";
import type { KeptTokens } from "../token-cache-kept.ts";
import type { AsCaller } from "./installations.ts";
import { DEFAULT_GROUP, type RunnerGroups } from "./runner-groups.ts";

export type RunnerCalls = Pick<
  Github,
  "registrationToken" | "jitConfig" | "groupRefusal" | "findRunner" | "deleteRunner"
>;

type Deps = {
  readonly send: Send;
  readonly asCaller: AsCaller;
  readonly groups: RunnerGroups;
  readonly clock: Clock;
  readonly kept: KeptTokens;
};

export function createRunnerCalls(deps: Deps): RunnerCalls {
  const tokens = createCache<RegistrationToken>(deps.clock);
  return {
    registrationToken: async (caller, scope) =>
      await tokens.get(tokenKey(caller, scope), async () => {
        const token = await keptOrMinted(deps, caller, scope);
        return { value: token, until: token.expiresAt - TOKEN_MARGIN_MS };
      }),
    jitConfig: async (caller, scope, runner) => await createJit(deps, caller, scope, runner),
    // A personal token's rights may not reach as far as the groups.
    groupRefusal: async (caller, scope, { runnerGroup, repository }) =>
      scope.type === "repository" || caller.token !== undefined
        ? undefined
        : await deps.groups.refusal(caller, scope.org, runnerGroup, repository),
    findRunner: async (caller, scope, name) =>
      await deps.asCaller(caller, repositoryOf(scope), (as) => find(deps.send, as, scope, name)),
    deleteRunner: async (caller, scope, runnerId) => await remove(deps, caller, scope, runnerId),
  };
}

/** What was minted as the App serves every process; what was minted for a person stays in this one. */
async function keptOrMinted(deps: Deps, caller: Caller, scope: RunnerScope): Promise<RegistrationToken> {
  const mint = () => deps.asCaller(caller, repositoryOf(scope), (as) => mintToken(deps, as, scope));
  if (caller.token !== undefined) return await mint();
  const id = `registration ${scopeKey(scope)}`;
  const known = await deps.kept.find(id);
  if (known !== undefined) return { token: known.text, expiresAt: known.expiresAt };
  const fresh = await mint();
  await deps.kept.keep(id, { text: fresh.token, expiresAt: fresh.expiresAt });
  return fresh;
}

/** What one token could create is not given to the holder of another, nor to one whose token GitHub would refuse. */
function tokenKey({ token }: Caller, scope: RunnerScope): string {
  return token === undefined
    ? scopeKey(scope)
    : `${scopeKey(scope)} ${credentialKey({ personalToken: token })}`;
}

const HOUR_MS = 3_600_000;
const tokenJson = z.object({ token: z.string(), expires_at: z.string() });

async function mintToken(deps: Deps, as: Credential, scope: RunnerScope): Promise<RegistrationToken> {
  const call = callOf(scope, "POST", "/actions/runners/registration-token", "create a registration token");
  const answer = await deps.send(as, call, tokenJson);
  // Whatever our clock says, it lives an hour from now at most.
  const latest = deps.clock.now() + HOUR_MS;
  const expiresAt = Date.parse(answer.expires_at);
  return { token: answer.token, expiresAt: Number.isNaN(expiresAt) ? latest : Math.min(expiresAt, latest) };
}

const jitJson = z.object({ runner: z.object({ id: z.int() }), encoded_jit_config: z.string() });

async function createJit(
  deps: Deps,
  caller: Caller,
  scope: RunnerScope,
  runner: Parameters<Github["jitConfig"]>[2],
): Promise<JitConfig> {
  const group = await groupId(deps.groups, caller, scope, runner.runnerGroup);
  const call = callOf(
    scope,
    "POST",
    "/actions/runners/generate-jitconfig",
    `register runner ${runner.name}`,
    {
      name: runner.name,
      labels: runner.labels,
      runner_group_id: group,
    },
  );
  try {
    const answer = await deps.asCaller(caller, repositoryOf(scope), (as) => deps.send(as, call, jitJson));
    return { encodedJitConfig: answer.encoded_jit_config, runnerId: answer.runner.id };
  } catch (error) {
    // The group may have been deleted since we learned its id.
    const unknown = answered(error, 404) || answered(error, 422);
    if (scope.type === "organization" && unknown) deps.groups.forget(scope.org);
    throw error;
  }
}

async function groupId(
  groups: RunnerGroups,
  caller: Caller,
  scope: RunnerScope,
  name: string | undefined,
): Promise<number> {
  if (name === undefined || scope.type === "repository") return DEFAULT_GROUP;
  return await groups.idOf(caller, scope.org, name);
}

export const PER_PAGE = 100;
/** GitHub allows 10,000 runners in a group. */
export const MAX_PAGES = 100;
export const runnersJson = z.object({
  runners: z.array(
    z.object({ id: z.int(), name: z.string(), status: z.string(), busy: z.optional(z.boolean()) }),
  ),
});

export function toRunner(json: z.infer<typeof runnersJson>["runners"][number]): GithubRunner {
  const status = json.status === "online" ? "online" : "offline";
  return { id: json.id, name: json.name, status, busy: json.busy ?? false };
}

/** Only a server without the name filter makes us read more than one page. */
async function find(
  send: Send,
  as: Credential,
  scope: RunnerScope,
  name: string,
): Promise<GithubRunner | undefined> {
  for (let page = 1; page <= MAX_PAGES; page++) {
    const query = { name, per_page: PER_PAGE, page };
    const call = callOf(scope, "GET", "/actions/runners", `find runner ${name}`, query);
    const { runners } = await send(as, call, runnersJson);
    const runner = runners.find((entry) => entry.name.toLowerCase() === name.toLowerCase());
    if (runner) return toRunner(runner);
    if (runners.length < PER_PAGE) return undefined;
  }
  return undefined;
}

async function remove(
  deps: Deps,
  caller: Caller,
  scope: RunnerScope,
  runnerId: number,
): Promise<"deleted" | "busy"> {
  const path = "/actions/runners/{runner_id}";
  const call = callOf(scope, "DELETE", path, `delete runner ${runnerId}`, { runner_id: runnerId });
  try {
    await deps.asCaller(caller, repositoryOf(scope), (as) => deps.send(as, call, z.unknown()));
    return "deleted";
  } catch (error) {
    if (answered(error, 422)) return "busy";
    // Gone already: GitHub removes ephemeral runners by itself.
    if (answered(error, 404)) return "deleted";
    throw error;
  }
}

export function callOf(
  scope: RunnerScope,
  method: string,
  path: string,
  purpose: string,
  parameters: Call["parameters"] = {},
): Call {
  const { path: before, parameters: names } = scopePath(scope);
  return {
    route: `${method} ${before}${path}`,
    parameters: { ...parameters, ...names },
    purpose,
    target: scopeName(scope),
    permission: scopePermission(scope),
  };
}
