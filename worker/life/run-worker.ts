// Runs one worker: feeds the lifecycle with events and has the effects performed that it answers.
import { createHeartbeats } from "../dispatcher/heartbeat.ts";
import { createRunPodClient } from "../dispatcher/runpod-client.ts";
import { createUrls } from "../urls.ts";
import { advance, initialTransition } from "./lifecycle.ts";
import { createOperations } from "./operations.ts";
import type { WorkerDeps } from "./worker-deps.ts";
import type { WorkerRun } from "./worker-run.ts";
import type { WorkerEffect, WorkerEvent } from "./worker-state.ts";

/** Resolves with the exit code (docs/worker.md). Rejects on a fault of the worker itself only. */
export function runWorker(deps: WorkerDeps): Promise<number> {
  const { config, log } = deps;
  return new Promise((resolve, reject) => {
    let { state } = initialTransition;
    const preparing = new AbortController();
    const run = createRun(deps, preparing.signal, (reason) => emit({ type: "drain-asked", reason }));
    const operations = createOperations(run, () => preparing.abort(), emit);
    const stopListening = deps.onStopSignal(() => emit({ type: "signal" }));
    start(initialTransition.effects);

    function emit(event: WorkerEvent): void {
      const next = advance(state, event);
      const phase = next.state.step;
      if (phase !== state.step) log.info("worker-phase", { worker: config.workerId, phase });
      state = next.state;
      start(next.effects);
    }

    function start(effects: readonly WorkerEffect[]): void {
      for (const effect of effects) {
        if (effect.type === "exit") leave().then(() => resolve(effect.code), reject);
        else operations.perform(effect).catch(fail);
      }
    }

    /** Nothing that the worker started may outlive it. */
    async function leave(): Promise<void> {
      stopListening();
      preparing.abort();
      operations.close();
      const { runner, diag } = run.learnt;
      await Promise.all([run.heartbeats.stop(), runner?.kill(), diag?.end()]);
      if (runner !== undefined) await cleanUp(run);
    }

    function fail(error: unknown): void {
      leave().then(() => reject(error), reject);
    }
  });
}

/** After the report: nobody waits for an empty folder. */
async function cleanUp({ host, learnt, log }: WorkerRun): Promise<void> {
  const { killed, undead, left } = await host.clean(learnt.home);
  if (killed > 0)
    log.warn("stragglers-killed", { count: killed, message: "Processes of the job were killed." });
  if (undead > 0)
    log.error("stragglers-left", { count: undead, message: "Processes of the job would not die." });
  if (left > 0) log.warn("work-left", { count: left, message: "Entries of the work folder would not go." });
}

function createRun(deps: WorkerDeps, preparing: AbortSignal, onDrain: (reason: string) => void): WorkerRun {
  const { config, clock, host, log } = deps;
  const urls = createUrls(config.templates, config.workerId);
  const client = createRunPodClient(urls, config.token, deps.bootId, deps.send);
  const intervalMs = config.pingIntervalMs;
  return {
    ...deps,
    client,
    heartbeats: createHeartbeats({ client, clock, log, intervalMs, onDrain }),
    run: host.run,
    preparing,
    learnt: {
      jobId: "",
      home: config.runnerHome,
      serviceCache: {},
      plan: undefined,
      hooks: undefined,
      github: undefined,
      registration: undefined,
      runner: undefined,
      diag: undefined,
      interrupted: new AbortController(),
    },
  };
}
