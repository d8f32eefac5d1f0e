// The connection closed before the answer was out: the job was not given after all.
import type { JobId, WorkerId } from "../../domain/ids.ts";
import { unleased } from "../../domain/worker/worker-lease.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateWorker } from "../update.ts";

/** It stays the worker's own, and is the answer to its next ask. Nothing happens once the worker has shown that it has it. */
export async function returnJob(deps: Deps, id: WorkerId, job: JobId): Promise<void> {
  const { changed } = await updateWorker(deps.stores.workers, id, (current) =>
    current.lease?.ackedAt === undefined
      ? unleased(current, job, { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) })
      : undefined,
  );
  if (changed) deps.log.warn("job-not-delivered", { worker: id, job, reason: "its connection closed" });
}
