// run.sh from its start to its end: its lines to the log, its markers to the lifecycle.
import { parseRunnerLine, type RunnerMarker } from "./log-lines.ts";
import { runCommand } from "./runner-command.ts";
import { fits, runnerEnvironment } from "./runner-env.ts";
import { startProcess } from "./runner-process.ts";
import { asUser } from "./runner-user.ts";
import { planOf, type WorkerRun } from "./worker-run.ts";
import type { WorkerEvent } from "./worker-state.ts";

export async function runRunner(
  run: WorkerRun,
  onMarker: (marker: RunnerMarker) => void,
): Promise<WorkerEvent> {
  const { learnt, log, runnerUser } = run;
  const runner = startProcess({
    command: asUser(runCommand(learnt.home), runnerUser),
    cwd: learnt.home,
    env: variables(run),
    onLine(line) {
      log.info("runner-line", { message: line });
      const marker = parseRunnerLine(line);
      if (marker) onMarker(marker);
    },
    clock: run.clock,
  });
  learnt.runner = runner;
  const end = await runner.ended;
  if (end.type === "exited" && end.stragglers > 0) {
    const message = "Processes outlived the runner and were killed.";
    log.warn("stragglers-killed", { count: end.stragglers, message });
  }
  if (end.type === "exited" && end.undead > 0) {
    const message = "Processes of the runner would not die; they end with the container.";
    log.error("stragglers-left", { count: end.undead, message });
  }
  return { type: "runner-ended", end };
}

function variables(run: WorkerRun): Record<string, string> {
  const { input } = planOf(run);
  const { registration } = run.learnt;
  if (!fits(JSON.stringify(input ?? {}))) {
    run.log.warn("job-input-left-out", { message: "The job's input is above 128 kB: JOB_INPUT is not set." });
  }
  return {
    ...runnerEnvironment(run.env, run.runnerUser, input),
    ...(registration?.type === "jit" && { ACTIONS_RUNNER_INPUT_JITCONFIG: registration.encodedJitConfig }),
  };
}
