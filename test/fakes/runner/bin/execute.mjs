// One job: its steps, their output to the server and to the log, one result.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createContainers } from "./containers.mjs";
import { validateReadable } from "./permissions.mjs";
import { runSteps } from "./steps.mjs";
import { createTrace } from "./terminal.mjs";
import { variablesOf } from "./variables.mjs";

const CONCLUSIONS = { Succeeded: "success", Failed: "failure", Canceled: "cancelled", Skipped: "skipped" };
const SHUTDOWN =
  "##[error]The runner has received a shutdown signal. This can happen when the runner service is stopped, or a manually started runner is canceled.";

/**
 * @param given with `cancelled` and `shutDown`: AbortSignals, by GitHub and by a signal
 * @returns {Promise<"Succeeded" | "Failed" | "Canceled">}
 */
export async function execute({ root, settings, job, ask, cancelled, shutDown }) {
  const trace = createTrace(root, "Worker");
  const report = createReport(job.id, ask, trace);
  const folders = prepareFolders(root, settings, job);
  const environment = { ...process.env, ...variablesOf({ settings, job, folders }) };
  const context = { report, cancelled, shutDown, environment, cwd: folders.workspace };
  // JobRunner.cs:125-145
  shutDown.addEventListener("abort", () => report.line(SHUTDOWN), { once: true });
  trace(`Job ${job.name} started.`);
  await report.step("Set up job", "Succeeded", 0);
  const result = await runSteps(context, createContainers(context, job, folders), job, folders);
  await report.step("Complete job", "Succeeded", 0);
  await report.flush();
  await ask("POST", `jobs/${job.id}/complete`, { body: { conclusion: CONCLUSIONS[result] } }, true);
  trace(`Job ${job.name} completed with result: ${result}`);
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
  // JobRunner.cs:147-158
  mkdirSync(work, { recursive: true });
  validateReadable(work);
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
