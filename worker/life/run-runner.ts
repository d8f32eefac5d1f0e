// run.sh from its start to its end: its lines to the log, its markers to the lifecycle.
import { describeKills, type MemoryKills } from "../../shared/domain/memory-kills.ts";
import { createHookReports, type HookNews } from "../hooks/hook-reports.ts";
import { findResidue } from "../preflight/preflight.ts";
import { parseRunnerLine, type RunnerMarker } from "../runner/log-lines.ts";
import { runCommand } from "../runner/runner-command.ts";
import { fits, runnerEnvironment } from "../runner/runner-env.ts";
import { memoryKillsSince, readKillCount } from "./memory-kills.ts";
import { planOf, type WorkerRun } from "./worker-run.ts";
import type { WorkerEvent } from "./worker-state.ts";

export async function runRunner(run: WorkerRun, { onMarker, onHook }: RunnerEars): Promise<WorkerEvent> {
  const { clock, host, learnt, log } = run;
  const { hooks } = learnt;
  const reports = hooks && createHookReports({ folder: hooks.reports, clock, log, onNews: onHook });
  const lastLines = createLastLines();
  const killsBefore = await readKillCount(run.cgroupDir);
  const runner = host.start({
    command: runCommand(learnt.home),
    cwd: learnt.home,
    env: variables(run),
    onLine(line) {
      log.info("runner-line", { message: line });
      const marker = parseRunnerLine(line);
      if (marker) onMarker(marker);
      else lastLines.push(line);
    },
    clock,
  });
  learnt.runner = runner;
  // From now on: that a job begins is not told by its log alone, whose words may be others.
  reports?.expect();
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
  const memoryKills = await memoryKillsOf(run, killsBefore);
  await learnt.diag?.catchUp();
  const residue = await findResidue(run, planOf(run).cards, learnt.interrupted.signal);
  if (residue !== undefined) log.warn("cards-not-drained", { message: residue });
  return {
    type: "runner-ended",
    end,
    residue,
    lastError: learnt.diag?.lastError(),
    lastLines: lastLines.all(),
    memoryKills,
  };
}

/** On a machine with other workers the count is not this one's alone. */
async function memoryKillsOf(
  { cgroupDir, config, log }: WorkerRun,
  before: number,
): Promise<MemoryKills | undefined> {
  const kills = config.runnerHomeShared ? undefined : await memoryKillsSince(before, cgroupDir);
  if (kills !== undefined)
    log.warn("out-of-memory", { count: kills.killed, message: `${describeKills(kills)}.` });
  return kills;
}

const KEPT_LINES = 3;
const LONGEST_LINE = 200;

/** What people can use of what run.sh printed last: neither blank lines nor its own good-bye. */
function createLastLines() {
  const lines: string[] = [];
  return {
    push(line: string) {
      const text = line.trim().slice(0, LONGEST_LINE);
      if (text === "" || /^Exiting( runner)?\.\.\.$/.test(text)) return;
      lines.push(text);
      if (lines.length > KEPT_LINES) lines.shift();
    },
    all: () => lines,
  };
}

/** What is heard of the runner while it lives. */
export type RunnerEars = {
  readonly onMarker: (marker: RunnerMarker) => void;
  readonly onHook: (news: HookNews) => void;
};

function variables(run: WorkerRun): Record<string, string> {
  const { input } = planOf(run);
  const { hooks, registration, serviceCache } = run.learnt;
  if (!fits(JSON.stringify(input ?? {}))) {
    run.log.warn("job-input-left-out", { message: "The job's input is above 128 kB: JOB_INPUT is not set." });
  }
  return {
    ...runnerEnvironment(run.env, run.host.user, input),
    ...serviceCache,
    // Over the image's own, which ours run after themselves.
    ...hooks?.variables,
    ...(registration?.type === "jit" && { ACTIONS_RUNNER_INPUT_JITCONFIG: registration.encodedJitConfig }),
  };
}
