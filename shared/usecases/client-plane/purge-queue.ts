// /purge-queue: ends the caller's jobs of an endpoint that no worker has taken yet.

import type { JobId } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isVisible } from "../../domain/waiting/api-status.ts";
import type { Deps } from "../deps.ts";
import { forgetPayloads } from "../storage/forget-payloads.ts";
import { updateJob } from "../update.ts";
import { endpointNamed } from "./api-deps.ts";
import { cancelled } from "./cancel-job.ts";
import { openJobIds } from "./open-jobs.ts";

/** Two calls each: 2,000 jobs take 2 to 3 s on DynamoDB at 10 ms a call. 64 of 16 kB hold an embedded store for 10 ms. */
const AT_ONCE = 16;

export async function purgeQueue(
  deps: Deps,
  caller: ApiCaller,
  endpoint: string,
): Promise<{ removed: number } | undefined> {
  const known = endpointNamed(deps, endpoint);
  if (known === undefined) return undefined;
  const ids = await openJobIds(deps, known.name, caller.tenant);
  const ended: Job[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const batch = ids.slice(at, at + AT_ONCE).map((id) => purge(deps, caller, endpoint, id));
    ended.push(...(await Promise.all(batch)).filter((job) => job !== undefined));
  }
  // One after the other: each may free hundreds of rows, and the others' calls come in between.
  for (const job of ended) await forgetPayloads(deps, job);
  const removed = ended.length;
  deps.log.info("queue-purged", { endpoint: known.name, tenant: caller.tenant, count: removed });
  return { removed };
}

/** Answers it when it was ended here. */
async function purge(deps: Deps, caller: ApiCaller, endpoint: string, id: JobId): Promise<Job | undefined> {
  const now = deps.clock.now();
  const { item, changed } = await updateJob(deps.stores.jobs, id, (job) =>
    job.state === "IN_QUEUE" && isVisible(job, { caller, endpoint, now })
      ? cancelled(job, `removed by ${caller.login}, who emptied the queue`, now)
      : undefined,
  );
  return changed ? item : undefined;
}
