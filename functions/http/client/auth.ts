// Who calls the client plane: an API key's tenant, or the repository of a workflow run by its OIDC token.
import { createHash } from "node:crypto";
import { equalSecrets } from "../../../shared/adapters/crypto/equal.ts";
import type { Tenant, TenantSettings } from "../../../shared/domain/admission/tenant.ts";
import { settingsOf } from "../../../shared/domain/admission/tenant.ts";
import type { TenantId } from "../../../shared/domain/ids.ts";
import { tenantId } from "../../../shared/domain/ids.ts";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { ApiKey, ApiKeyStore } from "../../../shared/ports/api-store.ts";
import type { OidcIdentity, OidcVerifier } from "../../../shared/ports/oidc.ts";
import type { Random } from "../../../shared/ports/random.ts";
import type { TenantStore } from "../../../shared/ports/store.ts";

export type ApiAuth = {
  readonly apiKeys: Pick<ApiKeyStore, "get">;
  /** Keys of dispatch.yaml, for a server whose store is in use. */
  readonly configuredKeys: readonly ApiKey[];
  readonly oidc: OidcVerifier;
  readonly tenantStore: Pick<TenantStore, "get">;
  readonly tenants: readonly TenantSettings[];
};

/** `jti`: only with an OIDC token, which may start one job. */
export type Authenticated =
  | { readonly type: "caller"; readonly caller: ApiCaller; readonly jti: string | undefined }
  | {
      readonly type: "refused";
      readonly status: 401 | 403;
      /** Constant, for the log: one line a minute for each. */
      readonly reason: string;
      readonly detail: string;
    };

/** Takes the value of `Authorization`: the credential behind `Bearer`, or bare as in RunPod's own samples. */
export type Authenticate = (authorization: string | undefined) => Promise<Authenticated>;

/** `npud_` and 40 of [a-z0-9]: 206 bits, so that a plain hash of it is as good as a slow one. */
const API_KEY = { prefix: "npud_", randomLength: 40 } as const;
const API_KEY_FORM = /^npud_[a-z0-9]{40}$/;
const JWT_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const WORKER_TOKEN_FORM = /^npudw\d+\./;
/** GitHub's OIDC tokens are about 2 kB. */
const MAX_LENGTH = 8_192;

export function createApiAuth(auth: ApiAuth): Authenticate {
  return async function authenticate(authorization) {
    const credential = (authorization ?? "").replace(/^Bearer /i, "").trim();
    if (credential === "") {
      return refuse(401, "no credential", "send an API key or a workflow's OIDC token in Authorization");
    }
    if (credential.length > MAX_LENGTH) return unknown();
    if (API_KEY_FORM.test(credential)) return await byKey(auth, credential);
    if (WORKER_TOKEN_FORM.test(credential)) {
      return refuse(401, "a worker token", "a worker's token opens the worker plane only; send an API key");
    }
    return JWT_FORM.test(credential) ? await byOidc(auth, credential) : unknown();
  };
}

/** To be shown once: what is kept is its hash. */
export function newKey(random: Pick<Random, "token">): string {
  return API_KEY.prefix + random.token(API_KEY.randomLength);
}

/** The one form in which a key is kept. */
export function hashKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

async function byKey(auth: ApiAuth, key: string): Promise<Authenticated> {
  const hash = hashKey(key);
  // Not kept in memory for later calls, and also asked for keys of dispatch.yaml: a revoked one is refused at once.
  const stored = await auth.apiKeys.get(hash);
  const known = stored ?? auth.configuredKeys.find((one) => equalSecrets(one.hash, hash));
  if (known === undefined) return unknown();
  if (known.revoked !== undefined) return revoked();
  const { tenant: id, login } = known;
  const tenant = await auth.tenantStore.get(id);
  if (!isApproved(auth, { id, login }, tenant)) return notApproved(login);
  return {
    type: "caller",
    caller: { tenant: id, login, repositoryId: undefined, run: undefined },
    jti: undefined,
  };
}

async function byOidc(auth: ApiAuth, token: string): Promise<Authenticated> {
  const verdict = await auth.oidc.verify(token);
  if (verdict.type === "refused") return refuse(401, `${verdict.reason} OIDC token`, verdict.message);
  const { identity } = verdict;
  const id = tenantId(identity.owner.id);
  const tenant = await auth.tenantStore.get(id);
  if (!isApproved(auth, { id, login: identity.owner.login }, tenant)) {
    return notApproved(identity.owner.login);
  }
  return { type: "caller", caller: callerOf(identity, id, tenant), jti: identity.jti };
}

/** The same rule as for the lanes: named in dispatch.yaml or approved, and not suspended or removed at GitHub. */
function isApproved(
  auth: ApiAuth,
  owner: { readonly id: TenantId; readonly login: string },
  tenant: Tenant | undefined,
): boolean {
  if (tenant?.state === "suspended" || tenant?.state === "removed") return false;
  return tenant?.state === "approved" || settingsOf(auth.tenants, owner) !== undefined;
}

function callerOf(identity: OidcIdentity, tenant: TenantId, known: Tenant | undefined): ApiCaller {
  const { owner, repository, runId, runAttempt } = identity;
  return {
    tenant,
    login: owner.login,
    repositoryId: repository.id,
    // The token does not say of which type its owner is.
    run: { owner: owner.login, ownerType: known?.ownerType, repo: repository.name, runId, runAttempt },
  };
}

function unknown(): Authenticated {
  return refuse(
    401,
    "unknown credential",
    "this credential is not known here; make a key with `npm run key`",
  );
}

function revoked(): Authenticated {
  return refuse(401, "a revoked API key", "this key was revoked; ask the dispatcher's operator for another");
}

function notApproved(login: string): Authenticated {
  const detail = `"${login}" is not a tenant of this dispatcher; its operator adds it under tenants: in dispatch.yaml`;
  return refuse(403, "not a tenant", detail);
}

function refuse(status: 401 | 403, reason: string, detail: string): Authenticated {
  return { type: "refused", status, reason, detail };
}
