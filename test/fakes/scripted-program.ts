// The part of a RunPod worker, played step by step through the use cases: ask, ping, return, ask again.
import { REPORT_RETRY_MS } from "../../shared/domain/deadlines.ts";
import type { EpochMs, JobId, WorkerId } from "../../shared/domain/ids.ts";
import type { Deps } from "../../shared/usecases/deps.ts";
import { giveJob } from "../../shared/usecases/worker-plane/give-job.ts";
import { receiveResult } from "../../shared/usecases/worker-plane/receive-result.ts";
import { recordPing } from "../../shared/usecases/worker-plane/record-ping.ts";

export type ProgramScript = {
  /** How long each job runs. */
  readonly jobMs: number;
  /** Posts a result once, as RunPod's SDK does when a connection breaks; else again and again. */
  readonly postsOnce?: boolean;
  /** Says that each job is its last. */
  readonly stopPod?: boolean;
  /** Never pings. */
  readonly silent?: boolean;
};

export function createScriptedProgram(id: WorkerId, script: ProgramScript, deps: Deps) {
  let job: { readonly id: JobId; readonly startedAt: EpochMs } | undefined;
  let reportingSince: EpochMs | undefined;
  return {
    id,
    get stage() {
      if (job === undefined) return "listening" as const;
      return reportingSince === undefined ? ("running" as const) : ("reporting" as const);
    },
    async step(): Promise<void> {
      if (job === undefined) await ask();
      if (script.silent !== true) await recordPing(deps, id, { ...NO_PHASE, jobIds: idsOf() });
      if (job !== undefined && deps.clock.now() - job.startedAt >= script.jobMs) await post(job.id);
    },
  };

  async function ask(): Promise<void> {
    const outcome = await giveJob(deps, id, { bootId: "sdk", inProgress: false });
    if (outcome.type === "given") job = { id: outcome.jobId, startedAt: deps.clock.now() };
  }

  async function post(done: JobId): Promise<void> {
    reportingSince ??= deps.clock.now();
    const { stopPod } = script;
    try {
      await receiveResult(deps, id, done, {
        output: { of: done },
        ...(stopPod === undefined ? {} : { stopPod }),
      });
    } catch (error) {
      const goesOn = script.postsOnce !== true && deps.clock.now() - reportingSince < REPORT_RETRY_MS;
      if (goesOn) throw error;
    }
    job = undefined;
    reportingSince = undefined;
  }

  function idsOf(): JobId[] {
    return job === undefined ? [] : [job.id];
  }
}

const NO_PHASE = { phase: undefined, jobName: undefined };
