// The public API: records each call, applies faults and limits, checks the caller, and validates every answer.

import type { AppAuth, Caller } from "../app-auth.ts";
import type { FaultInjection, InjectedFault } from "../fault-injection.ts";
import type { Limits } from "../limits.ts";
import type { OwnerRecord, Permissions, Scope, TokenScope } from "../records.ts";
import type { World } from "../world.ts";
import { ApiError } from "./api-error.ts";
import type { Reply, Request, Route } from "./http-server.ts";
import { answerFault } from "./openapi.ts";

/** One endpoint of GitHub's REST API. */
export type Endpoint = {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** The operation whose schema applies when GitHub describes this one elsewhere. */
  readonly schemaPath?: string;
  /** `app`: the App's JWT; a permission: an installation or personal token that has it; `any`: nobody is asked. */
  readonly access: "app" | "any" | Permission;
  readonly handle: (call: Call) => Answer;
};

export type Permission = { readonly name: keyof Permissions; readonly level: "read" | "write" };

export type Call = Request & {
  readonly caller: Caller | undefined;
  /** The owner, and the repository when the path names one; both exist and belong to the caller. */
  readonly scope: Scope;
};

export type Answer = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type ClientCall = {
  readonly method: string;
  readonly path: string;
  readonly at: number;
  /** 0 when the connection was dropped. */
  readonly status: number;
};

type ApiDeps = {
  readonly world: World;
  readonly auth: AppAuth;
  readonly limits: Limits;
  readonly faults: FaultInjection;
  readonly now: () => number;
  readonly record: (call: ClientCall) => void;
};

export function apiRoutes(deps: ApiDeps, endpoints: readonly Endpoint[]): Route[] {
  return endpoints.map((endpoint) => ({
    method: endpoint.method,
    path: endpoint.path,
    handle: (request) => answer(deps, request, () => perform(deps, endpoint, request)),
  }));
}

/** What GitHub says to a path that it does not have. */
export function unknownPath(deps: ApiDeps, request: Request): Reply {
  return answer(deps, request, () => errorAnswer(new ApiError(404, "Not Found")));
}

function answer(deps: ApiDeps, request: Request, perform: () => Answer): Reply {
  const at = deps.now();
  const fault = deps.faults.take(request);
  const reply = faultReply(fault) ?? toReply(perform(), at);
  const sent = fault?.status === "drop-after" ? "drop" : reply;
  const path = request.url.pathname + request.url.search;
  deps.record({ method: request.method, path, at, status: sent === "drop" ? 0 : sent.status });
  return sent;
}

function perform(deps: ApiDeps, endpoint: Endpoint, request: Request): Answer {
  let headers: Record<string, string> = {};
  try {
    const caller = callerOf(deps.auth, endpoint.access, request);
    if (caller !== undefined && request.url.pathname !== "/rate_limit") {
      const call = { endpoint: endpoint.path, method: endpoint.method };
      headers = deps.limits.count(callerName(caller), call);
    }
    const scope = scopeOf(deps.world, request.params, caller);
    const result = endpoint.handle({ ...request, caller, scope });
    return checked(endpoint, { ...result, headers: { ...headers, ...result.headers } });
  } catch (error) {
    if (error instanceof ApiError) return checked(endpoint, withHeaders(errorAnswer(error), headers));
    throw error;
  }
}

function callerOf(auth: AppAuth, access: Endpoint["access"], { headers }: Request): Caller | undefined {
  if (access === "any")
    return headers.authorization?.includes("ghs_") ? auth.installation(headers.authorization) : undefined;
  if (access === "app") return auth.app(headers.authorization);
  const person = auth.person(headers.authorization);
  if (person !== undefined) return allowed(person, access);
  const caller = auth.installation(headers.authorization);
  const level = caller.permissions[access.name];
  if (level === "write" || level === access.level) return caller;
  const accepted = { "x-accepted-github-permissions": `${access.name}=${access.level}` };
  throw new ApiError(403, "Resource not accessible by integration", { headers: accepted });
}

/** The sentence is GitHub's for a classic token without the scope. */
function allowed(person: Extract<Caller, { type: "person" }>, { name }: Permission): Caller {
  const needed: TokenScope = name === "organization_self_hosted_runners" ? "admin:org" : "repo";
  if (person.personal.scopes.includes(needed)) return person;
  throw new ApiError(403, "Must have admin rights to Repository.", {
    headers: { "x-accepted-oauth-scopes": needed, "x-oauth-scopes": person.personal.scopes.join(", ") },
  });
}

/** A foreign owner looks to a caller as if it did not exist. */
function scopeOf(world: World, params: Request["params"], caller: Caller | undefined): Scope {
  const login = params["org"] ?? params["owner"];
  const none = { owner: undefined, repository: undefined } as unknown as Scope;
  if (login === undefined) return none;
  const owner = world.owners.get(login.toLowerCase());
  if (owner === undefined || isForeign(owner, caller)) throw new ApiError(404, "Not Found");
  if (params["repo"] === undefined) return { owner, repository: undefined };
  const repository = owner.repositories.get(params["repo"].toLowerCase());
  if (repository === undefined) throw new ApiError(404, "Not Found");
  return { owner, repository };
}

function isForeign(owner: OwnerRecord, caller: Caller | undefined): boolean {
  if (caller?.type === "installation") return caller.installation.owner !== owner;
  return caller?.type === "person" && caller.personal.owner !== undefined && caller.personal.owner !== owner;
}

export function callerName(caller: Caller): string {
  if (caller.type === "person") return `user ID of ${caller.personal.token.slice(-6)}`;
  return caller.type === "app" ? "the App" : `installation ID ${caller.installation.id}`;
}

/** Checks what is really sent; large ids lose digits here, not in the answer. */
function checked(endpoint: Endpoint, result: Answer): Answer {
  const operation = { method: endpoint.method, path: endpoint.schemaPath ?? endpoint.path };
  const sent: unknown = result.body === undefined ? undefined : JSON.parse(textOf(result.body));
  const fault = answerFault(operation, result.status, sent);
  if (fault === undefined) return result;
  return { status: 500, body: { message: `The stand-in's answer does not fit GitHub's schema: ${fault}` } };
}

function errorAnswer(error: ApiError): Answer {
  return { status: error.status, body: error.body(), headers: error.headers };
}

function withHeaders(result: Answer, headers: Record<string, string>): Answer {
  return { ...result, headers: { ...headers, ...result.headers } };
}

function faultReply(fault: InjectedFault | undefined): Reply | undefined {
  if (fault === undefined || fault.status === "drop-after") return undefined;
  if (fault.status === "drop") return "drop";
  const { body } = errorAnswer(new ApiError(fault.status, fault.message));
  return { status: fault.status, text: JSON.stringify(body), headers: { ...JSON_TYPE, ...fault.headers } };
}

function toReply({ status, body, headers }: Answer, at: number): Reply {
  const common = { date: new Date(at).toUTCString(), "x-github-request-id": REQUEST_ID, ...headers };
  if (body === undefined) return { status, headers: common };
  return { status, text: textOf(body), headers: { ...JSON_TYPE, ...common } };
}

/** Delivery ids are beyond 2^53: kept as text, sent as the integers that GitHub sends. */
function textOf(body: unknown): string {
  return JSON.stringify(body).replaceAll(/"id":"(\d{16,})"/g, '"id":$1');
}

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const REQUEST_ID = "C0DE:1F2E:3D4C5B:6A7988:67890ABC";
