// What a run request asks for, checked against its endpoint and its caller; the PAT taken out of the input.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import { settingsOf } from "../../domain/admission/tenant.ts";
import type { JobId } from "../../domain/ids.ts";
import type { ApiCaller, ApiPolicy, RunnerRequest } from "../../domain/job/api-job.ts";
import type { Checked, RequestedPolicy, RunnerAsk } from "../../domain/job/api-policy.ts";
import { hasRunner, labelRefusal, policyOf, scopeFor, splitInput } from "../../domain/job/api-policy.ts";
import type { ApiDeps } from "./api-deps.ts";

/** RunPod's request body, as far as it concerns the dispatcher. */
export type RunRequestBody = {
  readonly input?: unknown;
  readonly webhook?: string | undefined;
  readonly webhookV2?: string | undefined;
  readonly policy?: RequestedPolicy | undefined;
  readonly s3Config?: unknown;
};

export type CheckedRequest = {
  /** Without a PAT. */
  readonly input: unknown;
  readonly policy: ApiPolicy;
  readonly callbackUrl: string | undefined;
  readonly runner: RunnerRequest | undefined;
  readonly sealedS3Config: string | undefined;
};

/** 60 bits: nobody meets another's label, and nobody guesses one. */
const LABEL_RANDOM = 12;

export async function checkRequest(
  deps: ApiDeps,
  request: { caller: ApiCaller; endpoint: Endpoint; id: JobId; body: RunRequestBody },
): Promise<Checked<CheckedRequest>> {
  const { caller, endpoint, body } = request;
  if (body.input === undefined) return refused('the body has no "input"; send {"input": {…}}');
  const storage = sealedStorage(deps, request);
  if (!storage.ok) return storage;
  const policy = policyOf(body.policy, endpoint);
  if (!policy.ok) return policy;
  const callbackUrl = body.webhook ?? body.webhookV2;
  const refusal = callbackUrl === undefined ? undefined : deps.callbacks?.refusal(callbackUrl);
  if (refusal !== undefined) return refused(refusal);
  const common = { policy: policy.value, callbackUrl, sealedS3Config: storage.value };
  if (!hasRunner(endpoint)) return { ok: true, value: { ...common, input: body.input, runner: undefined } };
  const split = splitInput(body.input);
  if (!split.ok) return split;
  const { ask, rest } = split.value;
  const foreign = labelRefusal(ask.labels, endpoint, deps.catalogue);
  if (foreign !== undefined) return refused(foreign);
  const owner = await ownerOf(deps, caller);
  const scope = scopeFor(ask, caller, owner);
  if (!scope.ok) return scope;
  const runner: RunnerRequest = {
    scope: scope.value,
    ownerType: ownerTypeOf(ask, owner.type),
    label: `npud-job-${deps.random.token(LABEL_RANDOM)}`,
    labels: ask.labels,
    sealedPat: ask.pat === undefined ? undefined : deps.seal.seal(request.id, ask.pat),
    patErased: false,
  };
  return { ok: true, value: { ...common, input: rest, runner } };
}

function sealedStorage(
  { seal }: Pick<ApiDeps, "seal">,
  request: { endpoint: Endpoint; id: JobId; body: RunRequestBody },
): Checked<string | undefined> {
  const { endpoint, id, body } = request;
  if (body.s3Config === undefined) return { ok: true, value: undefined };
  if (!hasRunner(endpoint)) return { ok: true, value: seal.seal(id, JSON.stringify(body.s3Config)) };
  return refused(`s3Config is for a worker program, and "${endpoint.name}" runs workflow jobs; leave it out`);
}

function refused(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}

async function ownerOf(deps: ApiDeps, caller: ApiCaller) {
  const settings = settingsOf(deps.tenants, { id: caller.tenant, login: caller.login });
  const type = caller.run?.ownerType ?? (await deps.stores.tenants.get(caller.tenant))?.ownerType;
  const listsRepositories = settings?.repositories !== undefined;
  return { type, level: settings?.level ?? "auto", listsRepositories } as const;
}

/**
 * A PAT may name anybody's place; of a lone name only an organization has runners, of a repository's owner nothing is
 * known.
 */
function ownerTypeOf(ask: RunnerAsk, own: RunnerRequest["ownerType"]): RunnerRequest["ownerType"] {
  if (ask.org === undefined || ask.pat === undefined) return own;
  return ask.org.includes("/") ? undefined : "Organization";
}
