// The port `Github` over GitHub's REST API, as a GitHub App or with a caller's own token.
import { setTimeout as sleep } from "node:timers/promises";
import type { RateBudget } from "../../domain/upkeep/github-budget.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Github } from "../../ports/github.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { siteUrl } from "../../protocol/github-api.ts";
import type { Redacted } from "../../redacted.ts";
import { createAppJwt } from "./app-jwt.ts";
import { parseAppKey } from "./app-key.ts";
import { createBudget } from "./budget.ts";
import { createDeliveriesCalls } from "./calls/deliveries-calls.ts";
import { createAsCaller } from "./calls/installations.ts";
import { createListRunnersCall } from "./calls/list-runners-call.ts";
import { createOpenJobsCall, createRunJobsCall } from "./calls/open-jobs-call.ts";
import { createRunnerGroups } from "./calls/runner-groups.ts";
import { createRunnerCalls } from "./calls/runners.ts";
import { noJwt, personalOnly, withoutApp } from "./calls/without-app.ts";
import { createWorkflowJobCall } from "./calls/workflow-job-call.ts";
import { createWorkflowRunCall } from "./calls/workflow-run-call.ts";
import { createGithubFetch, type GithubFetch } from "./fetch.ts";
import { createGithubTime } from "./github-time.ts";
import { type BudgetState, createGovernor } from "./governed.ts";
import { createSend } from "./send.ts";
import { createTokenCache } from "./token-cache.ts";
import { createKeptTokens, type TokenKeep } from "./token-cache-kept.ts";

type GithubApp = {
  /** Its numeric id or its client id. */
  readonly appId: string;
  /** PEM (PKCS#1 or PKCS#8), also with literal `\n` or in base64. */
  readonly privateKey: Redacted;
};

export type GithubDeps = {
  /** Undefined: only callers with a token of their own are answered. */
  readonly app: GithubApp | undefined;
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
  /** Where tokens are kept for all processes; in this one's memory only unless given. */
  readonly keep?: TokenKeep;
  /** Writes under way at once per installation; 10 unless given. */
  readonly writesAtOnce?: number;
};

/**
 * GitHub takes 100 calls at once and 180 writes a minute at one address. Ten that take 0.3 s each make 33 a second: a burst
 * is through as fast as the minute allows, and reads keep their place. No library spaces our calls: of Octokit there are
 * `request` and `auth-app` here, and neither has a limiter (`plugin-throttling` would make it one write a second).
 */
const WRITES_AT_ONCE = 10;

export type GithubAdapter = Github & {
  /** What an installation's rate limit was at its last answer; undefined before the first. */
  budget(installationId: number): RateBudget | undefined;
  /** Each installation that this process has called as, and the App itself. */
  states(): readonly BudgetState[];
};

/** Throws a sentence when the private key cannot be used; calls nothing. */
export function createGithub(deps: GithubDeps): GithubAdapter {
  const { app, clock, apiUrl, random, log } = deps;
  const pause = deps.pause ?? ((ms: number) => sleep(ms));
  const site = siteUrl(apiUrl);
  const budget = createBudget(clock);
  const governor = createGovernor({
    budget,
    clock,
    log,
    apiUrl,
    writesAtOnce: deps.writesAtOnce ?? WRITES_AT_ONCE,
  });
  const time = createGithubTime(clock, log);
  const kept = createKeptTokens({ keep: deps.keep, host: new URL(apiUrl).host, clock, log });
  const { fetch, timeoutMs } = deps;
  const sendNow = createSend({
    appId: app?.appId ?? "none",
    apiUrl,
    userAgent: deps.userAgent ?? "npu-dispatch",
    createJwt:
      app === undefined ? noJwt : createAppJwt({ key: parseAppKey(app.privateKey), clock: time, random }),
    time,
    fetch: createGithubFetch({ random, pause, ...(fetch && { fetch }), ...(timeoutMs && { timeoutMs }) }),
    clock,
    log,
    budget,
    tokens: createTokenCache(clock, kept),
    pause,
  });
  const send = governor.govern(app === undefined ? personalOnly(sendNow) : sendNow);
  const asCaller = createAsCaller({ send, clock, log, site });
  const groups = createRunnerGroups({ send, asCaller, clock, site });
  const github = {
    ...createRunnerCalls({ send, asCaller, groups, clock, kept }),
    listRunners: createListRunnersCall({ send, asCaller }),
    workflowJob: createWorkflowJobCall({ send, asCaller }),
    workflowRun: createWorkflowRunCall({ send, asCaller, clock }),
    openJobs: createOpenJobsCall({ send, asCaller }),
    runJobs: createRunJobsCall({ send, asCaller }),
    ...createDeliveriesCalls({ send }),
    budget: (installationId: number) => budget.of(installationId),
    states: governor.states,
  };
  return app === undefined ? withoutApp(github) : github;
}
