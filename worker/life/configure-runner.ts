// config.sh: registers a runner, or takes the registration back. Bounded, killed with all it started when abandoned.

import type { Log } from "../../shared/ports/log.ts";
import type { WorkerClock } from "../clock.ts";
import { describeFault } from "../describe-fault.ts";
import type { GitHubClient } from "../runner/github-client.ts";
import { libraryAdvice } from "../runner/library-advice.ts";
import { parseRunnerLine } from "../runner/log-lines.ts";
import { configCommand, removeCommand } from "../runner/runner-command.ts";
import type { RunnerHost } from "../runner/runner-host.ts";
import type { RunnerPlan } from "../runner/runner-plan.ts";
import type { ProcessEnd } from "../runner/runner-process.ts";
import type { Command } from "../runner/runner-user.ts";
import type { Secrets } from "../secrets.ts";
import { CONFIGURE_MS, DEREGISTER_MS } from "../time-limits.ts";
import type { WorkerEvent } from "./worker-state.ts";

export type RunnerSetup = {
  readonly home: string;
  readonly env: Record<string, string>;
  readonly host: Pick<RunnerHost, "start">;
  readonly clock: WorkerClock;
  readonly log: Log;
  readonly secrets: Secrets;
};

export async function configureRunner(
  setup: RunnerSetup,
  plan: RunnerPlan,
  token: string,
  signal: AbortSignal,
): Promise<WorkerEvent> {
  const { end, lines, late } = await runConfig(
    setup,
    configCommand(setup.home, plan),
    token,
    CONFIGURE_MS,
    signal,
  );
  if (end.type === "exited" && end.code === 0) return { type: "configured" };
  if (end.type === "not-started") {
    const message = `config.sh did not start: ${end.error.message}. Check RUNNER_HOME and RUNNER_USER.`;
    return { type: "start-failed", outcome: "no-runner", message };
  }
  if (lines.some((line) => parseRunnerLine(line)?.type === "too-old")) {
    const message = "GitHub refuses this version of actions/runner. Update it in the image.";
    return { type: "start-failed", outcome: "runner-too-old", message };
  }
  const why = late
    ? `took longer than ${CONFIGURE_MS / 1000} s`
    : `failed with ${end.signal ?? `exit code ${end.code}`}`;
  return {
    type: "start-failed",
    outcome: "config-failed",
    message: `config.sh ${why}${lastWords(lines)}.${libraryAdvice(lines)}`,
  };
}

/**
 * For a registration that this worker made and no job used up. A failure is logged: GitHub removes the rest within a day.
 */
export async function removeRegistration(
  setup: RunnerSetup,
  github: GitHubClient,
  signal: AbortSignal,
): Promise<void> {
  const { log } = setup;
  const message = "The runner's registration stays at GitHub until GitHub removes it, a day after its end.";
  try {
    const answer = await github.createToken("remove", signal);
    if (answer.type !== "granted")
      return log.warn("deregistration-failed", { reason: answer.message, message });
    setup.secrets.add(answer.token);
    const { end } = await runConfig(setup, removeCommand(setup.home), answer.token, DEREGISTER_MS, signal);
    if (end.type === "exited" && end.code === 0) return log.info("runner-deregistered");
    log.warn("deregistration-failed", { reason: "config.sh remove failed", message });
  } catch (error) {
    log.warn("deregistration-failed", { reason: describeFault(error), message });
  }
}

type ConfigResult = { readonly end: ProcessEnd; readonly lines: readonly string[]; readonly late: boolean };

async function runConfig(
  { home, env, host, clock, log }: RunnerSetup,
  command: Command,
  token: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<ConfigResult> {
  const lines: string[] = [];
  const config = host.start({
    command,
    cwd: home,
    env: { ...env, ACTIONS_RUNNER_INPUT_TOKEN: token },
    onLine(line) {
      log.info("config-line", { message: line });
      // A banner, the questions and their answers: 20 lines. The last ones tell a failure.
      if (line.trim() !== "") lines.push(line.trim());
      if (lines.length > 50) lines.shift();
    },
    clock,
  });
  let late = false;
  const done = new AbortController();
  const limit = clock.sleep(limitMs, AbortSignal.any([done.signal, signal])).then(async () => {
    if (done.signal.aborted) return;
    late = !signal.aborted;
    await config.kill();
  });
  const end = await config.ended;
  done.abort();
  await limit;
  return { end, lines, late };
}

function lastWords(lines: readonly string[]): string {
  const last = lines.at(-1)?.slice(0, 200).replace(/\.$/, "");
  return last === undefined ? "" : `: ${last}`;
}
