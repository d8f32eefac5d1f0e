// /run and /runsync: one request becomes one job, however often it is sent under the same key.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import type { JobId } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import { policyRefusal } from "../../domain/job/api-policy.ts";
import { newApiJob } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import { bytesOf, inputExpiry, inputKey, jsonOf } from "../../domain/job/payload.ts";
import { isVisible } from "../../domain/waiting/api-status.ts";
import { takeStorage } from "../storage/take-storage.ts";
import type { ApiDeps } from "./api-deps.ts";
import { endpointNamed } from "./api-deps.ts";
import { ID_ENTROPY, keyedJobId, newJobId } from "./job-id.ts";
import type { Room } from "./queue-limit.ts";
import { takeRoom } from "./queue-limit.ts";
import type { RunRequestBody } from "./run-request.ts";
import { checkRequest } from "./run-request.ts";

export type RunCall = {
  readonly body: RunRequestBody;
  /** Names the request: the same body has the same one. */
  readonly rawHash: string;
  readonly kind: "async" | "sync";
  /** How long the result is to be kept; absent: as always. */
  readonly resultMs?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Of the OIDC token: it starts one job and no second. */
  readonly jti?: string | undefined;
};

export type RunOutcome =
  | { readonly type: "accepted"; readonly job: Job }
  /** The same request came before: its job as it is now, perhaps ended. */
  | { readonly type: "repeated"; readonly job: Job }
  /** The key came before with another request. */
  | { readonly type: "mismatch" }
  /** The same request came before, and its result is kept no longer: its id would find nothing. */
  | { readonly type: "forgotten" }
  | { readonly type: "unknown-endpoint" }
  | { readonly type: "invalid"; readonly message: string }
  /** By the tenant's policy. */
  | { readonly type: "forbidden"; readonly message: string }
  | { readonly type: "busy"; readonly message: string }
  | { readonly type: "no-storage"; readonly whose: "tenant" | "disk"; readonly message: string };

export async function runJob(
  deps: ApiDeps,
  caller: ApiCaller,
  endpointName: string,
  call: RunCall,
): Promise<RunOutcome> {
  const endpoint = endpointNamed(deps, endpointName);
  if (endpoint === undefined) return { type: "unknown-endpoint" };
  const id = await idFor(deps, caller, endpoint, call);
  const known = await earlierJob(deps, id, call);
  const see = { caller, endpoint: endpoint.name, now: deps.clock.now() };
  if (known !== undefined) return repeated(known, call, see);
  const checked = await checkRequest(deps, { caller, endpoint, id, body: call.body });
  if (!checked.ok) return { type: "invalid", message: checked.message };
  const refusal = policyRefusal(deps.tenants, caller, checked.value.runner?.scope);
  if (refusal !== undefined) return { type: "forbidden", message: refusal };
  const room = await takeRoom(deps, endpoint, caller.tenant);
  if (room.type === "full") return { type: "busy", message: busyMessage(endpoint, caller, room) };
  const { input: value, ...wanted } = checked.value;
  const json = jsonOf(value);
  const storage = await takeStorage(deps, caller, bytesOf(json));
  if (storage.type === "full") return { ...storage, type: "no-storage" };
  const now = deps.clock.now();
  const input = await deps.apiStores.payloads.put(
    inputKey(id, 1, call.rawHash),
    json,
    inputExpiry(wanted.policy, now),
    caller.tenant,
  );
  const { kind, resultMs, rawHash: requestHash } = call;
  const job = newApiJob({ id, endpoint, caller, kind, resultMs, requestHash, input, ...wanted, now });
  // The job does not hold its tenant's login, which the lane must know before the first pass over it.
  await deps.stores.lanes.register({ pool: job.pool, tenant: job.tenant, login: caller.login });
  if (await deps.stores.jobs.create(job)) return { type: "accepted", job };
  const winner = await deps.stores.jobs.get(id);
  // Another body under the same key: its input has no job.
  if (winner?.api?.requestHash !== call.rawHash) await deps.apiStores.payloads.remove(input);
  return winner === undefined ? { type: "mismatch" } : repeated(winner, call, see);
}

/** A token's own id counts before the client's key: it may be used once, whatever key and endpoint come with it. */
function idFor(deps: ApiDeps, caller: ApiCaller, endpoint: Endpoint, call: RunCall): Promise<JobId> {
  if (call.jti !== undefined) return keyedJobId(caller, `jti ${call.jti}`);
  if (call.idempotencyKey !== undefined) {
    return keyedJobId(caller, `key ${call.idempotencyKey}`, endpoint.name);
  }
  return newJobId(call.kind, deps.random.token(ID_ENTROPY));
}

/** A request without a key has none. */
async function earlierJob(
  deps: ApiDeps,
  id: JobId,
  { jti, idempotencyKey }: RunCall,
): Promise<Job | undefined> {
  return (jti ?? idempotencyKey) === undefined ? undefined : deps.stores.jobs.get(id);
}

function repeated(job: Job, call: RunCall, see: Parameters<typeof isVisible>[1]): RunOutcome {
  if (job.api?.requestHash !== call.rawHash || job.endpoint !== see.endpoint) return { type: "mismatch" };
  return isVisible(job, see) ? { type: "repeated", job } : { type: "forgotten" };
}

function busyMessage({ name }: Endpoint, { login }: ApiCaller, room: Room & { type: "full" }): string {
  const whose = room.whose === "tenant" ? ` of ${login}` : "";
  return `"${name}" has ${room.limit} jobs${whose} that have not ended; send this one again when some have`;
}
