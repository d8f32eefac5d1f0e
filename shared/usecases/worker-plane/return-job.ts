// The connection closed before the answer was out: the job was not given after all.
import type { JobId, WorkerId } from "../../domain/ids.ts";
import { undelivered } from "../../domain/worker/worker-lease.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateWorker } from "../update.ts";

/** It is given again with the worker's next ask. Nothing happens once the worker has shown that it has it. */
export async function returnJob(deps: Deps, id: WorkerId, job: JobId): Promise<void> {
  const { changed } = await updateWorker(deps.stores.workers, id, (current) =>
    undelivered(current, job, { now: deps.clock.now(), limits: limitsOf(deps, current.endpoint) }),
  );
  if (changed) deps.log.warn("job-not-delivered", { worker: id, job, reason: "its connection closed" });
}
