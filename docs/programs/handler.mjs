// A worker program without an SDK: asks for a job, does it, returns its output, asks again, until it is told to end.
import { setTimeout as sleep } from "node:timers/promises";

const env = process.env;
const headers = { authorization: env.RUNPOD_AI_API_KEY, "content-type": "application/json" };
const at = (url, job) => url.replaceAll("$RUNPOD_POD_ID", env.RUNPOD_POD_ID).replaceAll("$ID", job);
let current;

async function handler({ name = "world" }) {
  return { hello: name };
}

process.on("SIGTERM", () => process.exit(0));
// Tells the dispatcher that it lives, and with what.
setInterval(ping, Number(env.RUNPOD_PING_INTERVAL)).unref();
for (;;) {
  const job = await take();
  if (job !== undefined) await work(job);
}

async function take() {
  const answer = await call("GET", `${at(env.RUNPOD_WEBHOOK_GET_JOB, env.RUNPOD_POD_ID)}&job_in_progress=0`);
  if (answer?.status === 200) return await answer.json();
  // 204: nothing to do; it was held for a while already.
  if (answer?.status !== 204) await sleep(1_000);
  return undefined;
}

async function work({ id, input }) {
  current = id;
  const result = await handler(input).then(
    (output) => ({ output }),
    (error) => ({ error: String(error) }),
  );
  current = undefined;
  await call("POST", `${at(env.RUNPOD_WEBHOOK_POST_OUTPUT, id)}&isStream=false`, JSON.stringify(result));
}

async function ping() {
  const url = at(env.RUNPOD_WEBHOOK_PING, env.RUNPOD_POD_ID);
  await call("GET", current === undefined ? url : `${url}&job_id=${current}`);
}

/** Undefined: nobody answered; the next call tries again. */
async function call(method, url, body) {
  return await fetch(url, { method, headers, body }).catch(() => undefined);
}
