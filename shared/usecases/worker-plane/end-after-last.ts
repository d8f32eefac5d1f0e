// A program that has said that its job was the last one: ended, whether it leaves by itself or goes on asking.
import type { WorkerId } from "../../domain/ids.ts";
import { finished } from "../../domain/worker/worker-steps.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateWorker } from "../update.ts";

export async function endAfterLast(deps: Deps, id: WorkerId): Promise<void> {
  await updateWorker(deps.stores.workers, id, (worker) =>
    worker.drain?.reason === "last-job"
      ? finished(worker, LAST_JOB, { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) })
      : undefined,
  );
}

const LAST_JOB = {
  outcome: "ran",
  message: "it said that this was its last job",
  runnerExit: undefined,
  jobName: undefined,
  result: undefined,
} as const;
