// The command lines of actions/runner. No secret is on one: tokens and JIT configs go by ACTIONS_RUNNER_INPUT_*, which
// the runner masks and takes out of what its steps inherit.
import { join } from "node:path";
import type { RunnerPlan } from "./runner-plan.ts";
import type { Command } from "./runner-user.ts";

export function configCommand(home: string, plan: RunnerPlan): Command {
  const args = ["--unattended", "--ephemeral", "--disableupdate", "--url", plan.url, "--name", plan.name];
  // config.sh refuses --no-default-labels without --labels.
  if (plan.labels.length > 0) args.push("--labels", plan.labels.join(","));
  if (!plan.defaultLabels && plan.labels.length > 0) args.push("--no-default-labels");
  if (plan.runnerGroup !== undefined) args.push("--runnergroup", plan.runnerGroup);
  return { program: join(home, "config.sh"), args: [...args, "--work", "_work"] };
}

export function removeCommand(home: string): Command {
  return { program: join(home, "config.sh"), args: ["remove"] };
}

export function runCommand(home: string): Command {
  return { program: join(home, "run.sh"), args: ["--once"] };
}
