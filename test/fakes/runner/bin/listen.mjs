// run.sh's listener: opens a session, takes jobs, obeys cancel and signals, and says so in the runner's own words.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readFaults, versionOf } from "./faults.mjs";
import { validateReadable } from "./permissions.mjs";
import { call, callPatiently, wait } from "./server.mjs";
import { openServiceCache } from "./service-cache.mjs";
import { loadSettings, removeSettings, saveSettings } from "./settings.mjs";
import { RESULT_CODES, startWorker } from "./start-worker.mjs";
import { createTrace, utc, writeError, writeLine, writeSuccess } from "./terminal.mjs";

const SUCCESS = 0;
const TERMINATED_ERROR = 1;
const SESSION_CONFLICT = 5;
const VERSION_DEPRECATED = 7;
const RECONNECT_MS = 200;
/** MessageListener.cs:53 of actions/runner 258d6c857, which looks every 30 s (:52). */
const CONFLICT_PATIENCE_MS = 240_000;
const REGISTRATION_DELETED =
  "Failed to create a session. The runner registration has been deleted from the server, please re-configure. Runner registrations are automatically deleted for runners that have not connected to the service recently.";

export async function listen(root, inputs) {
  const faults = readFaults(root);
  if (!acceptJitConfig(root, inputs.value("jitconfig"))) return TERMINATED_ERROR;
  const settings = loadSettings(root);
  if (!hasWorkFolder(join(root, settings.workFolder))) return TERMINATED_ERROR;
  loadDotEnv(root);
  const once = inputs.flag("once");
  if (once) warnOfOnce();
  if (faults.has("exits-at-once")) return TERMINATED_ERROR;
  const listener = {
    root,
    settings,
    faults,
    trace: createTrace(root, "Runner"),
    once: once || settings.ephemeral || process.env.ACTIONS_RUNNER_RETURN_JOB_RESULT_FOR_HOSTED === "1",
    ask: (method, path, options, patience) =>
      (patience ? callPatiently : call)(settings.serverUrl, method, `/_stand-in/${path}`, {
        credential: settings.credential,
        ...options,
      }),
    stopping: new AbortController(),
    /** The job in progress: { id, cancel(cause), done } */
    current: undefined,
    /** Of the last job. */
    result: undefined,
  };
  obeySignals(listener);
  await openServiceCache();
  return (await refusedSession(listener)) ?? (await takeMessages(listener));
}

/** A former listener's session may last a moment longer. */
async function askForSession({ ask }, version) {
  const giveUpAt = performance.now() + CONFLICT_PATIENCE_MS;
  for (let tries = 0; ; tries += 1) {
    const answer = await ask("POST", "session", { body: { version } }, true);
    if (answer.status !== 409) return answer;
    // MessageListener.cs:529
    if (tries === 0) writeError("A session for this runner already exists.");
    if (performance.now() > giveUpAt) return answer;
    await wait(RECONNECT_MS);
  }
}

/** @returns the exit code when there is no session to be had */
async function refusedSession(listener) {
  const { faults, trace } = listener;
  const version = versionOf(faults);
  const { status, body } = await askForSession(listener, version);
  trace(`Session creation answered ${status}.`);
  if (status === 200) {
    writeLine();
    writeSuccess("Connected to GitHub");
    writeLine();
    writeLine(`Current runner version: '${version}'`);
    writeLine(`${utc()}: Listening for Jobs`);
    return undefined;
  }
  if (status === 409) {
    writeError(
      `Stop retry on SessionConflictException after retried for ${CONFLICT_PATIENCE_MS / 1_000} seconds.`,
    );
    writeError(`Failed to create session. ${body.message}`);
    return SESSION_CONFLICT;
  }
  if (status === 403) {
    writeError(`An error occurred: ${body.message}`);
    const wanted = process.env.ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE === "1";
    return wanted ? VERSION_DEPRECATED : TERMINATED_ERROR;
  }
  writeError(REGISTRATION_DELETED);
  return TERMINATED_ERROR;
}

async function takeMessages(listener) {
  const { stopping } = listener;
  while (!stopping.signal.aborted) {
    const { status, body } = await nextMessage(listener);
    if (status === 410) return await endDeregistered(listener);
    if (body.type === "job") await beginJob(listener, body.jobId);
    if (body.type === "cancel" && listener.current?.id === body.jobId) listener.current.cancel("server");
  }
  // Also one that was taken as the signal came: JobDispatcher.ShutdownAsync cancels whatever runs (010917e67,
  // EnsureDispatchFinished).
  listener.current?.cancel("shutdown");
  return await end(listener);
}

/** Waits out a server that cannot be reached. @returns an empty answer when the listener stops */
async function nextMessage({ ask, stopping }) {
  let lost = false;
  while (!stopping.signal.aborted) {
    try {
      const answer = await ask("GET", "message", { signal: stopping.signal });
      if (lost) writeLine(`${utc()}: Runner reconnected.`);
      return answer;
    } catch (error) {
      if (stopping.signal.aborted) break;
      if (!lost) writeError(`${utc()}: Runner connect error: ${error.message}. Retrying until reconnected.`);
      lost = true;
      await wait(RECONNECT_MS);
    }
  }
  return { status: 0, body: {} };
}

async function beginJob(listener, jobId) {
  const { root, settings, ask, faults, trace, stopping } = listener;
  if (faults.has("ghost")) return;
  const { status, body: job } = await ask("POST", `jobs/${jobId}/acquire`, { body: {} });
  if (status !== 200) {
    // The open fault of actions/runner#4617: nothing is said, and the listener stays.
    trace(`Skipping message Job. The server answered ${status}.`);
    return;
  }
  writeLine(`${utc()}: Running job: ${job.name}`);
  const worker = startWorker({ root, settings, job });
  let asked = false;
  const done = worker.done.then(async (result) => {
    if (result === undefined) await reportCrash(listener, job);
    // Of a job that it has ended itself it says so whatever the Worker made of it: JobDispatcher.cs:591, :701.
    listener.result = asked ? "Canceled" : (result ?? "Failed");
    writeLine(`${utc()}: Job ${job.name} completed with result: ${listener.result}`);
    listener.current = undefined;
    if (listener.once) stopping.abort();
  });
  const cancel = (cause) => {
    asked = true;
    worker.cancel(cause);
  };
  listener.current = { id: job.id, done, cancel };
}

/** ForceFailJob, JobDispatcher.cs:560-586. */
async function reportCrash({ ask, trace }, { id, name }) {
  const answer = await ask("POST", `jobs/${id}/complete`, { body: { conclusion: "failure" } }, true);
  trace(`Worker of ${name} crashed; the server answered ${answer.status}.`);
}

/** An ephemeral runner is deregistered by the end of its job: that is not news. */
async function endDeregistered(listener) {
  const { current, root } = listener;
  if (current !== undefined) {
    await current.done;
    return await end(listener);
  }
  if (listener.result !== undefined) return await end(listener);
  writeError("The runner no longer exists on the server. Cleaning up local configuration.");
  removeSettings(root);
  return SUCCESS;
}

async function end(listener) {
  const { settings, root, ask, trace } = listener;
  await listener.current?.done;
  const { result } = listener;
  const { status } = await ask("DELETE", "session", {}).catch((error) => ({ status: error.message }));
  trace(`Session end answered ${status}.`);
  if (settings.ephemeral && result !== undefined) removeSettings(root);
  // Runner.cs:328
  const hosted = process.env.ACTIONS_RUNNER_RETURN_JOB_RESULT_FOR_HOSTED === "1";
  return hosted && result !== undefined ? RESULT_CODES[result] : SUCCESS;
}

function obeySignals(listener) {
  const stop = () => {
    listener.current?.cancel("shutdown");
    listener.stopping.abort();
  };
  process.on("SIGINT", () => {
    writeLine("Exiting...");
    stop();
  });
  process.on("SIGTERM", stop);
}

/** @returns false when it cannot be read */
function acceptJitConfig(root, encoded) {
  if (encoded === undefined || encoded === "") return true;
  try {
    const files = Object.entries(JSON.parse(Buffer.from(encoded, "base64").toString("utf8")));
    saveSettings(
      root,
      Object.fromEntries(files.map(([name, text]) => [name, Buffer.from(text, "base64").toString()])),
    );
    return true;
  } catch (error) {
    writeError(error.message);
    return false;
  }
}

/** Runner.cs:408-425 */
function hasWorkFolder(work) {
  try {
    mkdirSync(work, { recursive: true });
    validateReadable(work);
    return true;
  } catch {
    writeError(`Fail to create and validate runner's work directory '${work}'.`);
    return false;
  }
}

function warnOfOnce() {
  writeLine(
    "Warning: '--once' is going to be deprecated in the future, please consider using '--ephemeral' during runner registration.",
  );
  writeLine(
    "https://docs.github.com/en/actions/hosting-your-own-runners/autoscaling-with-self-hosted-runners#using-ephemeral-runners-for-autoscaling",
  );
}

/** The last line of a name wins, and one without a value takes it away: Listener/Program.cs:172-199 of 258d6c857. */
export function loadDotEnv(root) {
  const file = join(root, ".env");
  if (!existsSync(file)) return;
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const at = line.indexOf("=");
    if (at <= 0) continue;
    const name = line.slice(0, at);
    if (at === line.length - 1) delete process.env[name];
    else process.env[name] = line.slice(at + 1);
  }
}
