// The loop of RunPod's SDK where there is no Python: asks, notes that it began, works, returns, asks again; pings beside
// it.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const env = process.env;
const headers = { authorization: env.RUNPOD_AI_API_KEY, "content-type": "application/x-www-form-urlencoded" };
const url = (name, job) => env[name].replaceAll("$RUNPOD_POD_ID", env.RUNPOD_POD_ID).replaceAll("$ID", job);
let current;

process.on("SIGTERM", () => process.exit(143));
setInterval(() => void call("GET", ping()), Number(env.RUNPOD_PING_INTERVAL ?? 10_000));
for (;;) {
  const inProgress = "&job_in_progress=0";
  const answer = await call("GET", url("RUNPOD_WEBHOOK_GET_JOB", env.RUNPOD_POD_ID) + inProgress);
  if (answer?.status === 200) await work(JSON.parse(answer.body));
  else if (answer?.status !== 204) await sleep(200);
}

async function work({ id, input }) {
  current = id;
  appendFileSync(input.began, `${id}\n`);
  await sleep(input.ms);
  current = undefined;
  const body = JSON.stringify({ output: { number: input.number } });
  await call("POST", `${url("RUNPOD_WEBHOOK_POST_OUTPUT", id)}&isStream=false`, body);
}

function ping() {
  const at = url("RUNPOD_WEBHOOK_PING", env.RUNPOD_POD_ID);
  return current === undefined ? at : `${at}&job_id=${current}`;
}

/** Undefined: nobody answered. */
async function call(method, to, body) {
  try {
    const response = await fetch(to, { method, headers, body });
    return { status: response.status, body: await response.text() };
  } catch {
    return undefined;
  }
}
