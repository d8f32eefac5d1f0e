// The steps of a job one after the other, each under its condition, as actions/runner's StepsRunner.cs goes through them.
// Lines of actions/runner are those of 258d6c857.
import { existsSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { runScript } from "./script.mjs";

/**
 * Hooks, containers, actions' `pre:`, steps, then what was registered for the end, the last first (JobExtension.cs:301-420,
 * StepsRunner.cs:52-71). A step that failed, a hook's too, is a failed step and nothing more: what comes later runs if its
 * condition says so (StepsRunner.cs:207-260). After a shutdown no condition is looked at and nothing runs (:188-192, :207).
 *
 * @param context with `report`, `cancelled` and `shutDown` (AbortSignals: by GitHub, by a signal), `environment`, `cwd`
 * @returns {Promise<"Succeeded" | "Failed" | "Canceled">}
 */
export async function runSteps(context, containers, job, folders) {
  const { environment, cancelled, shutDown } = context;
  const state = { result: "Succeeded" };
  const posts = [hookStep("Complete runner", environment.ACTIONS_RUNNER_HOOK_JOB_COMPLETED)];
  const plan = planOf(job);
  const steps = [
    hookStep("Set up runner", environment.ACTIONS_RUNNER_HOOK_JOB_STARTED),
    ...containerSteps(containers, posts),
    ...plan.filter(({ pre }) => pre !== undefined).map((step) => preStep(step, posts)),
    ...plan.map((step, index) => mainStep(step, index, posts)),
  ];
  for (const signal of [cancelled, shutDown]) signal.addEventListener("abort", settle);
  settle();
  for (const step of steps) await runOne(step);
  while (posts.length > 0) await runOne(posts.pop());
  return state.result;

  /** A shutdown fails the job, GitHub's cancel cancels it (StepsRunner.cs:149-155, :186-194). */
  function settle() {
    if (shutDown.aborted) state.result = "Failed";
    else if (cancelled.aborted) state.result = "Canceled";
  }

  async function runOne(step) {
    if (step.missing) return;
    if (!mayRun(step)) {
      await context.report.step(step.name, "Skipped", 0);
      return;
    }
    const interrupting = new AbortController();
    // A running step goes on when its condition still holds (:157-183).
    const reconsider = () => !mayRun(step) && interrupting.abort();
    for (const signal of [cancelled, shutDown]) signal.addEventListener("abort", reconsider);
    const running = { ...context, interrupting: interrupting.signal };
    const result = await measured(running, step, job, folders, containers);
    for (const signal of [cancelled, shutDown]) signal.removeEventListener("abort", reconsider);
    if (result === "Failed" && state.result === "Succeeded") state.result = "Failed";
  }

  function mayRun(step) {
    return !shutDown.aborted && holds(step.if, state.result);
  }
}

/** Jobs of before have one step: their lines. */
function planOf({ steps, script = [], dockerAction }) {
  if (steps !== undefined) return steps.map((step) => ({ if: "success()", ...step }));
  if (dockerAction) return [{ if: "success()", name: `Run ${dockerAction}`, dockerAction }];
  return script.length === 0 ? [] : [{ if: "success()", run: script }];
}

function holds(condition, result) {
  switch (condition) {
    case "always()":
      return true;
    case "failure()":
      return result === "Failed";
    case "cancelled()":
      return result === "Canceled";
    case "!cancelled()":
      return result !== "Canceled";
    case "success()":
      return result === "Succeeded";
    default:
      throw new Error(`The runner stand-in does not know the condition ${condition}.`);
  }
}

/** `always()`: JobExtension.cs:308, :577. */
function hookStep(name, path) {
  return { name, if: "always()", missing: !path, hook: path };
}

function containerSteps(containers, posts) {
  if (!containers.wanted) return [];
  const stop = { name: "Stop containers", if: "always()", act: containers.cleanup };
  const start = (cwd, interrupting) => {
    posts.push(stop);
    return containers.prepare(cwd, interrupting);
  };
  return [{ name: "Initialize containers", if: "success()", act: start }];
}

/** `pre:` and `post:` of actions have `always()` unless they say otherwise (ActionManifestManager.cs:458). */
function preStep(step, posts) {
  const begun = () => registerPost(step, posts);
  return { name: `Pre ${nameOf(step)}`, if: "always()", lines: [step.pre], begun };
}

function mainStep(step, index, posts) {
  const { run, dockerAction } = step;
  const lines = run === undefined ? undefined : [run].flat();
  const begun = () => registerPost(step, posts);
  return { name: nameOf(step), if: step.if, lines, dockerAction, file: index, begun };
}

/** Once, by whichever of its stages comes first (ActionRunner.cs:113-136). */
function registerPost(step, posts) {
  if (step.post === undefined || step.registered) return;
  step.registered = true;
  posts.push({ name: `Post ${nameOf(step)}`, if: "always()", lines: [step.post] });
}

function nameOf({ name, run }) {
  return name ?? `Run ${[run].flat()[0]}`;
}

async function measured(context, step, job, folders, containers) {
  const { report, interrupting } = context;
  const startedMs = performance.now();
  step.begun?.();
  const code = await act(context, step, job, folders, containers);
  const ended = code === 0 ? "Succeeded" : "Failed";
  const result = interrupting.aborted ? "Canceled" : ended;
  if (result === "Failed" && !step.refused) report.line(`##[error]Process completed with exit code ${code}.`);
  await report.flush();
  await report.step(step.name, result, performance.now() - startedMs);
  return result;
}

function act(context, step, job, { temp }, containers) {
  const { cwd, interrupting } = context;
  if (step.hook !== undefined) return runHook(context, step);
  if (step.act !== undefined) return step.act(cwd, interrupting);
  if (step.dockerAction !== undefined) return containers.action(step.dockerAction, cwd, interrupting);
  const file = join(temp, `${job.id}-${step.file ?? step.name.replaceAll(/\W/g, "-")}.sh`);
  writeFileSync(file, `${step.lines.join("\n")}\n`);
  if (containers.inside) return containers.step(file, cwd, interrupting);
  return runProgram(context, ["bash", "-e", file]);
}

function runHook(context, step) {
  const { report } = context;
  const stage = step.name === "Set up runner" ? "started" : "completed";
  report.line(`A job ${stage} hook has been configured by the self-hosted runner administrator`);
  const shell = HOOK_SHELLS[extname(step.hook)];
  const fault = !existsSync(step.hook)
    ? "File doesn't exist"
    : shell === undefined &&
      `${step.hook} is not a valid path to a script. Make sure it ends in '.sh', '.ps1' or '.js'.`;
  if (fault) {
    report.line(`##[error]${fault}`);
    step.refused = true;
    return 1;
  }
  // The real one hands on one line, which is split at spaces.
  return runProgram(context, `${shell} ${step.hook}`.split(" "));
}

/** Node is the one of the runner's externals there. */
const HOOK_SHELLS = { ".sh": "bash -e", ".js": "node" };

function runProgram({ environment, cwd, interrupting, report }, command) {
  return runScript(command, { cwd, environment, cancelling: interrupting, onLine: report.line });
}
