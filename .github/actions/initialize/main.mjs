// Starts a worker and tells later jobs its id and label. Cancelled meanwhile, it takes the worker back.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../lib/dispatcher.mjs";
import { annotate, readInput, say, writeOutput } from "../lib/runner-io.mjs";

const POLL_MS = 2_000;
const LABEL_FORM = /^[\w.-]{1,256}$/;

const cancelled = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => cancelled.abort());
try {
  await initialize(cancelled.signal);
} catch (error) {
  annotate("error", error.message);
  process.exitCode = 1;
}

async function initialize(signal) {
  const seconds = waitSeconds(readInput("wait"));
  const dispatcher = connect();
  const { id, label } = await dispatcher.run(jobInput());
  writeOutput("job-id", id);
  say(`Job ${id} is queued.`);
  if (label !== undefined && LABEL_FORM.test(label)) writeOutput("label", label);
  else annotate("warning", "This endpoint registers no runner: the output label is empty.");
  if (seconds > 0) await awaitWorker(dispatcher, id, seconds, signal);
  if (!signal.aborted) return;
  // The runner kills this process 10 s after it asked it to end.
  await dispatcher.cancel(id);
  throw new Error(`This step was cancelled: job ${id} is cancelled too.`);
}

function jobInput() {
  const labels = readInput("labels")
    .split(/[\s,]+/)
    .filter((label) => label !== "");
  const org = readInput("github-org");
  return { ...(labels.length > 0 && { labels }), ...(org !== "" && { github_org: org }) };
}

function waitSeconds(text) {
  if (text === "" || /^\d{1,5}$/.test(text)) return Number(text);
  throw new Error("The input wait must be whole seconds, at most 99999.");
}

async function awaitWorker(dispatcher, id, seconds, signal) {
  const until = Date.now() + seconds * 1_000;
  while (!signal.aborted && Date.now() < until) {
    const job = await dispatcher.status(id);
    if (isReady(job)) return say(`The worker of job ${id} is ready.`);
    if (job === undefined || ["FAILED", "CANCELLED", "TIMED_OUT"].includes(job.status)) {
      throw new Error(`Job ${id} ended before its worker was ready: ${job?.error ?? job?.status ?? "gone"}.`);
    }
    await pause(Math.min(POLL_MS, Math.max(0, until - Date.now())), signal);
  }
  if (signal.aborted) return;
  annotate("warning", `The worker of job ${id} is not ready after ${seconds} s; the next job waits for it.`);
}

/** Without a phase, the worker's take is all that is known. A job that is done already has served somebody. */
function isReady(job) {
  if (job?.phase !== undefined) return ["listening", "running", "done"].includes(job.phase);
  return job?.status === "IN_PROGRESS" || job?.status === "COMPLETED";
}

/** Ends early, without a fault, when the signal aborts. */
async function pause(ms, signal) {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
