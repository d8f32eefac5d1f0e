// A program that behaves on the wire as RunPod's Python SDK does, run as a process of its own.
//
// Its sockets are kept open and used again, also while a job blocks the only thread; its bodies are JSON labelled as a
// form; a broken connection is not tried again. What a job does, its input says: see `Input`.
import { setTimeout as sleep } from "node:timers/promises";
import { createKeepAliveClient } from "./keep-alive-client.ts";

type Input = {
  /** Works for so long, with the event loop blocked as by a handler that is not async. */
  readonly blockMs?: number;
  /** Works for so long, and stops when it is told to. */
  readonly workMs?: number;
  readonly progress?: unknown;
  /** Posts progress after the result, as its side thread may. */
  readonly lateProgress?: unknown;
  readonly chunks?: readonly unknown[];
  readonly error?: string;
  readonly output?: unknown;
  /** Knows nothing of the job any more, and asks for the next. */
  readonly forget?: boolean;
};
type Job = { readonly id: string; readonly input: Input };

const {
  RUNPOD_POD_ID: pod = "",
  RUNPOD_WEBHOOK_GET_JOB: takeTemplate = "",
  RUNPOD_WEBHOOK_POST_OUTPUT: outputTemplate = "",
  RUNPOD_WEBHOOK_POST_STREAM: streamTemplate = "",
  RUNPOD_WEBHOOK_PING: pingTemplate = "",
  RUNPOD_AI_API_KEY: token = "",
  RUNPOD_PING_INTERVAL: pingMs = "10000",
  SDK_REFRESH_WORKER: refresh,
  SDK_STOP_CHANNEL: stopChannel,
  SDK_BATCH: batch,
} = process.env;
const takeUrl = takeTemplate.replace("$ID", pod);
const isLast = refresh === "1";
const http = createKeepAliveClient(token);
const running = new Map<string, AbortController>();

setInterval(() => void ping(), Number(pingMs)).unref();
await ping();
if (stopChannel === "1") void watchStops();
for (let jobs = 0; jobs === 0 || !isLast; jobs++) await work(await take());
process.exit(0);

async function take(): Promise<Job> {
  const url = batch === "1" ? `${takeUrl.replace("/job-take/", "/job-take-batch/")}&batch_size=4` : takeUrl;
  for (;;) {
    // Appended blindly, whether there is a `?` or not.
    const answer = await http.send("GET", `${url}&job_in_progress=${running.size > 0 ? 1 : 0}`);
    if (answer?.status === 200) {
      const job = JSON.parse(answer.body) as Job | Job[];
      return Array.isArray(job) ? (job[0] as Job) : job;
    }
    if (answer?.status !== 204) await sleep(50);
  }
}

async function work({ id, input }: Job): Promise<void> {
  const stop = new AbortController();
  running.set(id, stop);
  const isStream = input.chunks !== undefined;
  for (const output of input.chunks ?? []) await post(streamTemplate, id, { output }, false);
  if (input.progress !== undefined) await post(outputTemplate, id, progress(input.progress), false);
  if (input.blockMs !== undefined)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, input.blockMs);
  if (input.workMs !== undefined)
    await sleep(input.workMs, undefined, { signal: stop.signal }).catch(ignoreStop);
  running.delete(id);
  // No result is sent for a job that was stopped.
  if (stop.signal.aborted || input.forget === true) return;
  const result = input.error === undefined ? { output: input.output } : { error: input.error };
  await post(outputTemplate, id, { ...result, ...(isLast ? { stopPod: true } : {}) }, isStream);
  if (input.lateProgress !== undefined) await post(outputTemplate, id, progress(input.lateProgress), false);
}

function progress(output: unknown) {
  return { status: "IN_PROGRESS", output };
}

async function post(template: string, id: string, body: unknown, isStream: boolean): Promise<void> {
  const url = `${template.replace("$RUNPOD_POD_ID", pod).replace("$ID", id)}&isStream=${isStream}`;
  // Three tries after a 5xx, none after a broken connection.
  for (let tries = 0; tries < 3; tries++) {
    const answer = await http.send("POST", url, JSON.stringify(body), id);
    if (answer === undefined) print(`Failed to return job results. | ${id}`);
    if ((answer?.status ?? 0) < 500) return;
    await sleep(50);
  }
}

async function ping(): Promise<void> {
  const ids = [...running.keys()].join(",");
  const url = pingTemplate.replace("$RUNPOD_POD_ID", pod);
  await http.send("GET", `${url}${ids === "" ? "" : `&job_id=${ids}`}&runpod_version=1.12.0`);
}

async function watchStops(): Promise<void> {
  for (;;) {
    const answer = await http.send("GET", takeUrl.replace("/job-take/", "/job-stop/"));
    if (answer?.status === 429 || answer === undefined) await sleep(50);
    if (answer?.status !== 200) continue;
    const { jobsToStop } = JSON.parse(answer.body) as { jobsToStop: string[] };
    for (const id of jobsToStop) running.get(id)?.abort();
    print(`stopped ${jobsToStop.join()}`);
  }
}

function ignoreStop(error: unknown): void {
  if (!(error instanceof Error && error.name === "AbortError")) throw error;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
