// One tenant does its worst within its rights for a minute: what another tenant and GitHub's deliveries feel of it.
import { fork } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { ENDPOINT, VICTIM, WEBHOOK_SECRET } from "./abuse-names.ts";
import type { Cost } from "./abuse-server.ts";
import { percentile } from "./percentile.ts";

const QUIET_MS = 20_000;
const ABUSED_MS = 60_000;
const WARM_UP_MS = 3_000;
const STATUS_EVERY_MS = 20;
const WEBHOOK_EVERY_MS = 50;
const MAX_RATIO = 3;
/** Bodies under way, answers, the store's cache of 64 MB and Node itself. */
const MAX_RSS_MB = 900;
/** Below it a quiet machine's own noise decides. */
const LEAST_QUIET_MS = 5;

type Felt = {
  readonly statusP50Ms: number;
  readonly statusP99Ms: number;
  readonly webhookP50Ms: number;
  readonly webhookP99Ms: number;
  readonly loopDelayP99Ms: number;
  readonly rssMb: number;
  readonly heldCpuP99Ms: number;
  readonly cpuShare: number;
};

/**
 * `quiet` and `abused`: answer times of the other tenant's `/status` and of signed deliveries, ms, in the same run.
 * `ratio…`: abused by quiet, the latter 5 ms at least. `rssMb`, `loopDelayP99Ms`: of the server while it was abused.
 * `heldCpuP99Ms`: CPU of its thread in 5 ms and what holds it longer; `cpuShare`: of one core. `broken` is there when a
 * bound is.
 */
export async function run(): Promise<Record<string, unknown>> {
  const server = fork(new URL("./abuse-server.ts", import.meta.url), {
    execArgv: ["--max-old-space-size=700"],
  });
  try {
    const [{ url }] = (await once(server, "message")) as [{ url: string }];
    const cost = async () => {
      server.send("cost");
      return ((await once(server, "message")) as [Cost])[0];
    };
    const job = await queueJob(url);
    await feel(url, job, WARM_UP_MS);
    await cost();
    const quiet = { ...(await feel(url, job, QUIET_MS)), ...(await cost()) };
    const abuser = fork(new URL("./abuse-client.ts", import.meta.url), [url]);
    await sleep(WARM_UP_MS);
    const abused = { ...(await feel(url, job, ABUSED_MS)), ...(await cost()) };
    abuser.send("end");
    const [counts] = (await once(abuser, "message")) as [Record<string, number>];
    return judged(quiet, abused, counts);
  } finally {
    server.send("end");
    await once(server, "exit");
  }
}

function judged(quiet: Felt, abused: Felt, counts: Record<string, number>): Record<string, unknown> {
  const ratio = (name: "statusP99Ms" | "webhookP99Ms") =>
    Math.round((abused[name] / Math.max(quiet[name], LEAST_QUIET_MS)) * 100) / 100;
  const figures = {
    quiet,
    abused,
    ratioStatusP99: ratio("statusP99Ms"),
    ratioWebhookP99: ratio("webhookP99Ms"),
    rssMb: abused.rssMb,
    loopDelayP99Ms: abused.loopDelayP99Ms,
    counts,
  };
  const broken = [
    ...(figures.ratioStatusP99 > MAX_RATIO ? [`/status takes ${figures.ratioStatusP99} times as long`] : []),
    ...(figures.ratioWebhookP99 > MAX_RATIO
      ? [`a delivery takes ${figures.ratioWebhookP99} times as long`]
      : []),
    ...(figures.rssMb > MAX_RSS_MB ? [`the server takes ${figures.rssMb} MB`] : []),
  ];
  return broken.length === 0 ? figures : { ...figures, broken };
}

async function queueJob(url: string): Promise<string> {
  const answer = await fetch(`${url}/v2/${ENDPOINT}/run`, {
    method: "POST",
    headers: { authorization: `Bearer ${VICTIM.key}` },
    body: '{"input":{}}',
  });
  return ((await answer.json()) as { id: string }).id;
}

async function feel(url: string, job: string, ms: number) {
  const until = performance.now() + ms;
  const headers = { authorization: `Bearer ${VICTIM.key}` };
  const [status, webhook] = await Promise.all([
    timesOf(until, STATUS_EVERY_MS, () => fetch(`${url}/v2/${ENDPOINT}/status/${job}`, { headers }), 200),
    timesOf(until, WEBHOOK_EVERY_MS, (number) => deliver(url, number), 202),
  ]);
  return {
    statusP50Ms: percentile(status, 0.5),
    statusP99Ms: percentile(status, 0.99),
    webhookP50Ms: percentile(webhook, 0.5),
    webhookP99Ms: percentile(webhook, 0.99),
  };
}

/** One after the other. Whatever is refused is a fault of the bench. */
async function timesOf(
  until: number,
  everyMs: number,
  ask: (number: number) => Promise<Response>,
  expected: number,
): Promise<number[]> {
  const times: number[] = [];
  for (let number = 0; performance.now() < until; number++) {
    const startedAt = performance.now();
    const answer = await ask(number);
    await answer.arrayBuffer();
    times.push(performance.now() - startedAt);
    if (answer.status !== expected) throw new Error(`the other tenant was answered ${answer.status}`);
    await sleep(everyMs);
  }
  return times;
}

/** A job that waits, and its end with the next delivery. */
async function deliver(url: string, number: number): Promise<Response> {
  const isEnd = number % 2 === 1;
  const body = deliveryOf(
    100_000_000 + Math.floor(number / 2) + Math.floor(performance.timeOrigin % 1_000_000) * 10_000,
    isEnd,
  );
  const signature = createHmac("sha256", WEBHOOK_SECRET).update(body).digest("hex");
  return fetch(`${url}/webhooks/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": "workflow_job",
      "x-github-delivery": `d-${number}`,
      "x-hub-signature-256": `sha256=${signature}`,
    },
    body,
  });
}

function deliveryOf(id: number, isEnd: boolean): string {
  const owner = { id: VICTIM.ownerId, login: VICTIM.owner, type: "Organization" };
  return JSON.stringify({
    action: isEnd ? "completed" : "queued",
    workflow_job: {
      id,
      run_id: id,
      run_attempt: 1,
      name: "bench",
      workflow_name: "bench",
      head_branch: "main",
      head_sha: "0".repeat(40),
      html_url: `https://github.com/${VICTIM.owner}/repo/actions/runs/${id}`,
      status: isEnd ? "completed" : "queued",
      conclusion: isEnd ? "cancelled" : null,
      created_at: new Date().toISOString(),
      started_at: new Date().toISOString(),
      completed_at: isEnd ? new Date().toISOString() : null,
      labels: ["linux-arm64-npu-1"],
      runner_id: null,
      runner_name: null,
      runner_group_id: null,
      runner_group_name: null,
      steps: [],
    },
    repository: { id: 1, name: "repo", owner },
  });
}
