// One call to GitHub: signed in as the App, an installation or a person, answer checked, refusal translated, budget kept.
import { createAppAuth } from "@octokit/auth-app";
import { request as octokitRequest } from "@octokit/request";
import * as z from "zod/mini";
import type { CallClass } from "../../domain/upkeep/github-budget.ts";
import type { Clock } from "../../ports/clock.ts";
import { GithubError } from "../../ports/github.ts";
import type { Log } from "../../ports/log.ts";
import { GITHUB_API_VERSION } from "../../protocol/github-api.ts";
import { scrub } from "../log/scrub.ts";
import type { Budget, Headers } from "./budget.ts";
import type { Credential } from "./credential.ts";
import { refused, unreachable } from "./fault.ts";
import { type GithubFetch, isTimeout } from "./fetch.ts";
import type { GithubTime } from "./github-time.ts";
import type { CallWords, FaultContext } from "./refusal.ts";
import type { TokenCache } from "./token-cache.ts";

export type Call = CallWords & {
  /** Octokit's form: `GET /orgs/{org}/actions/runners`. */
  readonly route: string;
  readonly parameters: { readonly [name: string]: unknown };
  /** What it is for, where its method does not tell: see `classOf` in governed.ts. */
  readonly class?: CallClass;
  /** Hears the headers of an answer that was accepted: a list may name its next page only there. */
  readonly onHeaders?: (headers: Headers) => void;
};

/** Throws GithubError only. Sends whatever it is asked to; whether it may be sent now, governed.ts decides. */
export type Send = <T>(as: Credential, call: Call, schema: z.ZodMiniType<T>) => Promise<T>;

/** GitHub answered this very call with `status`, not the request for the installation's token before it. */
export function answered(error: unknown, status: number): boolean {
  return error instanceof GithubError && error.status === status;
}

export type SendDeps = {
  readonly appId: string;
  readonly apiUrl: string;
  readonly userAgent: string;
  readonly createJwt: (appId: string | number) => Promise<{ jwt: string; expiresAt: string }>;
  readonly fetch: GithubFetch;
  readonly clock: Clock;
  readonly log: Log;
  readonly budget: Budget;
  readonly tokens: TokenCache;
  readonly time: GithubTime;
  readonly pause: (ms: number) => Promise<void>;
};

/** A new installation token may be unknown to some of GitHub's servers for up to 5 s (octokit/auth-app.js#65). */
const TOKEN_SPREAD_MS = 5_000;
const TOKEN_PAUSE_MS = 1_000;

export function createSend(deps: SendDeps): Send {
  const request = octokitRequest.defaults({
    baseUrl: deps.apiUrl,
    headers: { "user-agent": deps.userAgent, "x-github-api-version": GITHUB_API_VERSION },
    // Its default log is the console. It only ever says that a route is deprecated.
    request: {
      fetch: deps.fetch,
      log: { warn: (message: string) => deps.log.warn("github-deprecation", { message }) },
    },
  });
  const auth = createAppAuth({ appId: deps.appId, createJwt: deps.createJwt, request, cache: deps.tokens });

  async function authorization(as: Credential, refresh: boolean): Promise<string> {
    if (typeof as === "object") return `Bearer ${as.personalToken}`;
    if (as === "app") return `bearer ${(await auth({ type: "app" })).token}`;
    return `token ${(await auth({ type: "installation", installationId: as, refresh })).token}`;
  }

  async function attempt(as: Credential, call: Call, refresh: boolean): Promise<Answer> {
    let headers: { authorization: string };
    try {
      headers = { authorization: await authorization(as, refresh) };
    } catch (error) {
      // The App asked for an installation's token: what is refused is the App's JWT or the installation.
      return { as: "app", error: error as RequestError };
    }
    try {
      return { as, ...(await request(call.route, { ...call.parameters, headers })) };
    } catch (error) {
      return { as, error: error as RequestError };
    }
  }

  /** A refused token is refused before anything is done: once more, with a new one if it may have been revoked. */
  async function attemptAgain(installationId: number, call: Call): Promise<Answer> {
    await deps.pause(TOKEN_PAUSE_MS);
    const ageMs = deps.tokens.ageMs(String(installationId)) ?? Number.POSITIVE_INFINITY;
    return await attempt(installationId, call, ageMs > TOKEN_SPREAD_MS + TOKEN_PAUSE_MS);
  }

  return async (as, call, schema) => {
    let answer = await attempt(as, call, false);
    // The App's JWT of a clock that is wrong: GitHub has just told the time.
    if (hear(deps, answer) && answer.as === "app" && statusOf(answer) === 401) {
      answer = await attempt(as, call, false);
    }
    if (typeof answer.as === "number" && statusOf(answer) === 401)
      answer = await attemptAgain(answer.as, call);
    note(deps.budget, answer);
    if ("error" in answer) throw fail(deps, as, call, answer);
    const parsed = z.safeParse(schema, answer.data);
    if (parsed.success) {
      call.onHeaders?.(answer.headers);
      return parsed.data;
    }
    throw unreachable("its answer was not understood", deps.apiUrl, call, parsed.error);
  };
}

type Failed = { readonly as: Credential; readonly error: RequestError };
type Answer =
  | {
      readonly as: Credential;
      readonly status: number;
      readonly headers: Headers;
      readonly data: unknown;
    }
  | Failed;

/** The shape of @octokit/request's error; without `response` it is a connection's. */
type RequestError = Error & {
  readonly status: number;
  readonly response?: { readonly headers: Headers; readonly data: unknown };
};

function statusOf(answer: Answer): number | undefined {
  if (!("error" in answer)) return answer.status;
  return answer.error.response ? answer.error.status : undefined;
}

function hear({ time }: SendDeps, answer: Answer): boolean {
  const headers = "error" in answer ? answer.error.response?.headers : answer.headers;
  return headers !== undefined && time.hear(headers);
}

function note(budget: Budget, answer: Answer): void {
  const headers = "error" in answer ? answer.error.response?.headers : answer.headers;
  if (headers) budget.note(answer.as, headers);
}

function fail(deps: SendDeps, as: Credential, call: Call, { as: refusedAs, error }: Failed): GithubError {
  if (!error.response) return unreachable(reasonOf(error), deps.apiUrl, call, innermost(error));
  const context: FaultContext = { call, appId: deps.appId, now: deps.clock.now() };
  const { headers, data } = error.response;
  // What stands between us and GitHub may quote the request.
  const known = typeof as === "object" ? [as.personalToken] : [];
  const refusal = { as: refusedAs, status: error.status, headers, text: scrub(textOf(data), known) };
  const fault = refused(refusal, context, { ownStatus: refusedAs === as });
  if (fault.fault === "rate-limited" && fault.retryAfterMs) deps.budget.block(as, fault.retryAfterMs);
  return fault;
}

function textOf(data: unknown): string {
  if (typeof data === "string") return data;
  const parsed = z.safeParse(z.object({ message: z.string(), errors: z.optional(z.unknown()) }), data);
  if (!parsed.success) return "";
  const { message, errors } = parsed.data;
  return errors === undefined ? message : `${message}: ${JSON.stringify(errors)}`;
}

function reasonOf(error: Error): string {
  if (isTimeout(error)) return "no complete answer in time";
  const { code, message } = innermost(error) as Error & { code?: string };
  return code && !message.includes(code) ? `${code} ${message}` : message;
}

/** The error that says why: undici's "fetch failed" does not. */
function innermost(error: Error): Error {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}
