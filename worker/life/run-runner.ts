// run.sh from its start to its end: its lines to the log, its markers to the lifecycle.
import { createHookReports, type HookNews } from "../hooks/hook-reports.ts";
import { findResidue } from "../preflight/preflight.ts";
import { parseRunnerLine, type RunnerMarker } from "../runner/log-lines.ts";
import { runCommand } from "../runner/runner-command.ts";
import { fits, runnerEnvironment } from "../runner/runner-env.ts";
import { planOf, type WorkerRun } from "./worker-run.ts";
import type { WorkerEvent } from "./worker-state.ts";

export async function runRunner(run: WorkerRun, { onMarker, onHook }: RunnerEars): Promise<WorkerEvent> {
  const { clock, host, learnt, log } = run;
  const { hooks } = learnt;
  const reports = hooks && createHookReports({ folder: hooks.reports, clock, log, onNews: onHook });
  const runner = host.start({
    command: runCommand(learnt.home),
    cwd: learnt.home,
    env: variables(run),
    onLine(line) {
      log.info("runner-line", { message: line });
      const marker = parseRunnerLine(line);
      if (marker) onMarker(marker);
      if (marker?.type === "running") reports?.expect();
    },
    clock,
  });
  learnt.runner = runner;
  const end = await runner.ended;
  await reports?.end();
  if (end.type === "exited" && end.stragglers > 0) {
    const message = "Processes outlived the runner and were killed.";
    log.warn("stragglers-killed", { count: end.stragglers, message });
  }
  if (end.type === "exited" && end.undead > 0) {
    const message = "Processes of the runner would not die; they end with the container.";
    log.error("stragglers-left", { count: end.undead, message });
  }
  await learnt.diag?.catchUp();
  const residue = await findResidue(run, planOf(run).cards, learnt.interrupted.signal);
  if (residue !== undefined) log.warn("cards-not-drained", { message: residue });
  return { type: "runner-ended", end, residue, lastError: learnt.diag?.lastError() };
}

/** What is heard of the runner while it lives. */
export type RunnerEars = {
  readonly onMarker: (marker: RunnerMarker) => void;
  readonly onHook: (news: HookNews) => void;
};

function variables(run: WorkerRun): Record<string, string> {
  const { input } = planOf(run);
  const { hooks, registration } = run.learnt;
  if (!fits(JSON.stringify(input ?? {}))) {
    run.log.warn("job-input-left-out", { message: "The job's input is above 128 kB: JOB_INPUT is not set." });
  }
  return {
    ...runnerEnvironment(run.env, run.host.user, input),
    // Over the image's own, which ours run after themselves.
    ...hooks?.variables,
    ...(registration?.type === "jit" && { ACTIONS_RUNNER_INPUT_JITCONFIG: registration.encodedJitConfig }),
  };
}
