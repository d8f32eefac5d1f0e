// One job: its hooks and its run lines in bash, their output to the server and to the log, one result.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { createContainers } from "./containers.mjs";
import { runScript } from "./script.mjs";
import { createTrace } from "./terminal.mjs";
import { variablesOf } from "./variables.mjs";

const CONCLUSIONS = { Succeeded: "success", Failed: "failure", Canceled: "cancelled" };
const SHUTDOWN =
  "##[error]The runner has received a shutdown signal. This can happen when the runner service is stopped, or a manually started runner is canceled.";

/** @returns {Promise<"Succeeded" | "Failed" | "Canceled">} */
export async function execute({ root, settings, job, ask, cancelling }) {
  const trace = createTrace(root, "Worker");
  const report = createReport(job.id, ask, trace);
  const folders = prepareFolders(root, settings, job);
  const environment = { ...process.env, ...variablesOf({ settings, job, folders }) };
  const context = { report, cancelling, environment, cwd: folders.workspace };
  const containers = createContainers(context, job, folders);
  trace(`Job ${job.name} started.`);
  await report.step("Set up job", "Succeeded", 0);
  let result = await runHook(context, "Set up runner", environment.ACTIONS_RUNNER_HOOK_JOB_STARTED);
  if (result === "Succeeded") result = await runSteps(context, containers, job, folders);
  // A shutdown skips the last hook: actions/runner#2595.
  if (cancelling.reason === "shutdown") report.line(SHUTDOWN);
  else result = await endWithHook(context, result);
  await report.step("Complete job", "Succeeded", 0);
  await report.flush();
  await ask("POST", `jobs/${job.id}/complete`, { body: { conclusion: CONCLUSIONS[result] } }, true);
  trace(`Job ${job.name} completed with result: ${result}`);
  return result;
}

async function endWithHook(context, result) {
  const untouched = { ...context, cancelling: new AbortController().signal };
  const hook = context.environment.ACTIONS_RUNNER_HOOK_JOB_COMPLETED;
  const ended = await runHook(untouched, "Complete runner", hook);
  return result === "Succeeded" ? ended : result;
}

async function runSteps(context, containers, job, folders) {
  if (!containers.wanted) return await runLines(context, containers, job, folders);
  const { cwd } = context;
  const prepared = await measured(context, "Initialize containers", () => containers.prepare(cwd));
  const result = prepared === "Succeeded" ? await runLines(context, containers, job, folders) : prepared;
  const stopped = await measured(context, "Stop containers", () => containers.cleanup(cwd));
  return result === "Succeeded" ? stopped : result;
}

async function runLines(context, containers, job, { temp }) {
  const { cwd } = context;
  if (job.dockerAction)
    return await measured(context, `Run ${job.dockerAction}`, () => containers.action(cwd));
  if (job.script.length === 0) return context.cancelling.aborted ? "Canceled" : "Succeeded";
  const name = `Run ${job.script[0]}`;
  const file = join(temp, `${job.id}.sh`);
  writeFileSync(file, `${job.script.join("\n")}\n`);
  if (containers.inside) return await measured(context, name, () => containers.step(file, cwd));
  return await runStep(context, name, ["bash", "-e", file]);
}

async function runHook(context, name, path) {
  if (!path) return context.cancelling.aborted ? "Canceled" : "Succeeded";
  const stage = name === "Set up runner" ? "started" : "completed";
  context.report.line(`A job ${stage} hook has been configured by the self-hosted runner administrator`);
  if (!existsSync(path)) return await refuseHook(context, name, "File doesn't exist");
  const shell = HOOK_SHELLS[extname(path)];
  if (shell === undefined) {
    const wanted = "Make sure it ends in '.sh', '.ps1' or '.js'.";
    return await refuseHook(context, name, `${path} is not a valid path to a script. ${wanted}`);
  }
  // The real one hands on one line, which is split at spaces.
  return await runStep(context, name, `${shell} ${path}`.split(" "));
}

/** Node is the one of the runner's externals there. */
const HOOK_SHELLS = { ".sh": "bash -e", ".js": "node" };

async function refuseHook({ report }, name, message) {
  report.line(`##[error]${message}`);
  await report.flush();
  await report.step(name, "Failed", 0);
  return "Failed";
}

function runStep(context, name, command) {
  const { report, cancelling, environment, cwd } = context;
  return measured(context, name, () =>
    runScript(command, { cwd, environment, cancelling, onLine: report.line }),
  );
}

async function measured({ report, cancelling }, name, run) {
  const startedMs = performance.now();
  const code = await run();
  const ended = code === 0 ? "Succeeded" : "Failed";
  const result = cancelling.aborted ? "Canceled" : ended;
  if (result === "Failed") report.line(`##[error]Process completed with exit code ${code}.`);
  await report.flush();
  await report.step(name, result, performance.now() - startedMs);
  return result;
}

/** Sends lines as they come, one request at a time, in order. */
function createReport(jobId, ask, trace) {
  let waiting = [];
  let sending = Promise.resolve();
  async function sendWaiting() {
    if (waiting.length === 0) return;
    const lines = waiting;
    waiting = [];
    await ask("POST", `jobs/${jobId}/lines`, { body: { lines } }, true);
  }
  return {
    line(text) {
      trace(text);
      waiting.push(text);
      sending = sending.then(sendWaiting);
    },
    flush: () => sending,
    step: (name, result, startedMsAgo) =>
      ask(
        "POST",
        `jobs/${jobId}/steps`,
        { body: { name, conclusion: CONCLUSIONS[result], startedMsAgo } },
        true,
      ),
  };
}

function prepareFolders(root, settings, job) {
  const work = join(root, settings.workFolder);
  const pipeline = join(work, job.repository.name);
  const folders = {
    root,
    work,
    pipeline,
    workspace: join(pipeline, job.repository.name),
    temp: join(work, "_temp"),
    tools: join(work, "_tool"),
  };
  for (const folder of [folders.workspace, folders.temp, folders.tools])
    mkdirSync(folder, { recursive: true });
  return folders;
}
