// The port `Github` over GitHub's REST API, as a GitHub App or with a caller's own token.
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";
import type { Github } from "../../ports/github.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Redacted } from "../../redacted.ts";
import { createAppJwt } from "./app-jwt.ts";
import { parseAppKey } from "./app-key.ts";
import { createBudget, type RateBudget } from "./budget.ts";
import { createGithubFetch, type GithubFetch } from "./fetch.ts";
import { createAsCaller } from "./installations.ts";
import { createRunnerGroups } from "./runner-groups.ts";
import { createRunnerCalls } from "./runners.ts";
import { siteUrl } from "./scope.ts";
import { createSend } from "./send.ts";
import { createTokenCache } from "./token-cache.ts";
import { createWorkflowJobCall } from "./workflow-job-call.ts";
import { createWorkflowRunCall } from "./workflow-run-call.ts";

export type GithubDeps = {
  /** The App's numeric id or its client id. */
  readonly appId: string;
  /** PEM (PKCS#1 or PKCS#8), also with literal `\n` or in base64. */
  readonly privateKey: Redacted;
  /** `https://api.github.com`, or `https://<host>/api/v3` of a GitHub Enterprise Server. No slash at its end. */
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** undici's with the environment's proxies unless given. */
  readonly fetch?: GithubFetch;
  readonly userAgent?: string;
  /** Per try; 10 s unless given. */
  readonly timeoutMs?: number;
  readonly pause?: (ms: number) => Promise<void>;
};

export type GithubAdapter = Github & {
  /** What an installation's rate limit was at its last answer; undefined before the first. */
  budget(installationId: number): RateBudget | undefined;
};

/** Throws a sentence when the private key cannot be used; calls nothing. */
export function createGithub(deps: GithubDeps): GithubAdapter {
  const { clock, apiUrl, random, log } = deps;
  const pause = deps.pause ?? ((ms: number) => sleep(ms));
  const site = siteUrl(apiUrl);
  const budget = createBudget(clock);
  const { fetch, timeoutMs } = deps;
  const send = createSend({
    appId: deps.appId,
    apiUrl,
    userAgent: deps.userAgent ?? "npu-dispatch",
    createJwt: createAppJwt({ key: parseAppKey(deps.privateKey), clock, random }),
    fetch: createGithubFetch({ random, pause, ...(fetch && { fetch }), ...(timeoutMs && { timeoutMs }) }),
    clock,
    log,
    budget,
    tokens: createTokenCache(clock),
    pause,
  });
  const asCaller = createAsCaller({ send, clock, log, site });
  const groups = createRunnerGroups({ send, asCaller, clock, site });
  return {
    ...createRunnerCalls({ send, asCaller, groups, clock }),
    workflowJob: createWorkflowJobCall({ send, asCaller }),
    workflowRun: createWorkflowRunCall({ send, asCaller, clock }),
    budget: (installationId) => budget.of(installationId),
  };
}
