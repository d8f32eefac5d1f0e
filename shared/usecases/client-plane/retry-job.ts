// /retry: a job that failed or ran out of time, once more from its own input.
import type { ApiCaller, ApiSide } from "../../domain/job/api-job.ts";
import { policyRefusal } from "../../domain/job/api-policy.ts";
import { retried } from "../../domain/job/api-steps.ts";
import type { Job } from "../../domain/job/job.ts";
import type { Payload } from "../../domain/job/payload.ts";
import { inputExpiry, inputKey } from "../../domain/job/payload.ts";
import type { Said } from "../../domain/said.ts";
import { mayKnowOf } from "../../domain/said.ts";
import type { JobStatus } from "../../domain/waiting/api-status.ts";
import type { Deps } from "../deps.ts";
import { handleChange } from "../handle-change.ts";
import { takeStorage } from "../storage/take-storage.ts";
import { updateJob } from "../update.ts";
import { findJob } from "./api-deps.ts";
import { describeJob } from "./job-status.ts";

export type RetryOutcome =
  | { readonly type: "retried"; readonly status: JobStatus }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "full"; readonly whose: "tenant" | "disk"; readonly message: string };

export async function retryJob(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
  id: string,
): Promise<RetryOutcome | undefined> {
  const saidAt = deps.clock.now();
  const seen = await findJob(deps, caller, endpoint, id);
  if (seen?.api === undefined) return undefined;
  const said = { saidAt, now: deps.clock.now() };
  const refusal = refusalOf(seen) ?? lateRefusalOf(seen, said) ?? policyRefusalOf(deps, caller, seen.api);
  if (refusal !== undefined) return { type: "refused", message: refusal };
  const storage = await takeStorage(deps, caller, seen.api.input.type === "parts" ? seen.api.input.bytes : 0);
  if (storage.type === "full") return { type: "full", whose: storage.whose, message: storage.message };
  const input = await renewInput(deps, seen, seen.api);
  if (input === undefined)
    return { type: "refused", message: "its input has expired; send it again with /run" };
  // Its worker is let go while the job still points to it; afterwards nothing would lead there.
  await handleChange(deps, { kind: "job", job: seen });
  const { item: job, changed } = await updateJob(deps.stores.jobs, seen.id, (current) =>
    current.api?.generation === seen.api?.generation
      ? withInput(retried(current, deps.clock.now()), input)
      : current,
  );
  if (job === undefined) return undefined;
  if (!changed) return { type: "refused", message: refusalOf(job) ?? "somebody else has just retried it" };
  // Stored again for its new life.
  await deps.apiStores.payloads.remove(seen.api.input);
  await deps.apiStores.counts.add(job.endpoint, "retried");
  deps.log.info("job-retried", { job: job.id, endpoint: job.endpoint, count: job.api?.retries });
  return { type: "retried", status: await describeJob(deps, job, caller.login) };
}

function refusalOf(job: Job): string | undefined {
  if (job.state !== "FAILED" && job.state !== "TIMED_OUT") {
    return `it is ${job.state}; only a job that is FAILED or TIMED_OUT can be tried again`;
  }
  if (job.api?.runner?.patErased === true) {
    return "its github_pat was erased when it ended; send it again with /run";
  }
  return undefined;
}

/** A call that is acted on late was about the life before, which another call has sent again. */
function lateRefusalOf({ end }: Job, said: Said): string | undefined {
  return end === undefined || mayKnowOf(end.at, said)
    ? undefined
    : "it was retried and has ended since this was sent; send it again";
}

/** dispatch.yaml may have changed since it was sent. */
function policyRefusalOf(deps: Deps, caller: ApiCaller, { run, runner }: ApiSide): string | undefined {
  return policyRefusal(deps.tenants, { ...caller, run: run ?? caller.run }, runner?.scope);
}

/** Stored once more, since a new life may outlast the parts of the old one. The old ones go by themselves. */
async function renewInput(deps: Deps, job: Job, api: ApiSide): Promise<Payload | undefined> {
  const { input } = api;
  if (input.type !== "parts") return input.type === "inline" ? input : undefined;
  const key = inputKey(job.id, api.generation + 1, api.requestHash);
  return deps.apiStores.payloads.copy(input, key, inputExpiry(api.policy, deps.clock.now()), job.tenant);
}

function withInput(job: Job, input: Payload): Job {
  return job.api === undefined || job.state !== "IN_QUEUE" ? job : { ...job, api: { ...job.api, input } };
}
