// A waiting job keeps the pool and the cards that its endpoint had when it came; dispatch.yaml may have changed since.

import type { Endpoint } from "../../domain/admission/endpoint.ts";
import { SLOW_RETRY_MS } from "../../domain/deadlines.ts";
import type { Job } from "../../domain/job/job.ts";
import { isWaiting } from "../../domain/job/job.ts";
import { heldWithout, movedTo } from "../../domain/job/job-steps.ts";
import type { Deps } from "../deps.ts";
import { endpointOf } from "../deps.ts";
import { updateJob } from "../update.ts";

/**
 * The endpoint, where a worker may be made for the job as it stands. One whose endpoint is gone is held, so that it is in
 * nobody's way; one whose endpoint has moved or has other cards goes into the lane where its worker will be.
 */
export async function endpointInPlace(deps: Deps, job: Job): Promise<Endpoint | undefined> {
  const endpoint = endpointOf(deps, job.endpoint);
  if (endpoint === undefined) {
    await holdWithout(deps, job);
    return undefined;
  }
  const { pool, cards } = endpoint;
  if (pool === job.pool && cards === job.cards) return endpoint;
  const lane = (await deps.stores.lanes.list(job.pool)).find(({ tenant }) => tenant === job.tenant);
  const login = lane?.login ?? job.github?.repository.owner.login ?? "";
  await deps.stores.lanes.register({ pool, tenant: job.tenant, login });
  await updateJob(deps.stores.jobs, job.id, (current) =>
    isWaiting(current) ? movedTo(current, { pool, cards }) : undefined,
  );
  return undefined;
}

async function holdWithout(deps: Deps, job: Job): Promise<void> {
  const now = deps.clock.now();
  const { changed } = await updateJob(deps.stores.jobs, job.id, (current) =>
    isWaiting(current) ? heldWithout(current, now + SLOW_RETRY_MS, now) : undefined,
  );
  if (!changed) return;
  const message = `no endpoint "${job.endpoint}" in dispatch.yaml any more: its jobs wait`;
  deps.log.error("endpoint-unknown", { job: job.id, endpoint: job.endpoint, message });
}
