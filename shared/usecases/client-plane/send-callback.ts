// The status of an ended job to the URL that asked for it: one try and two more, 200 being the only success.

import { CALLBACK_RETRY_MS, CALLBACK_TIMEOUT_MS } from "../../domain/deadlines.ts";
import type { EpochMs } from "../../domain/ids.ts";
import type { Callback } from "../../domain/job/api-job.ts";
import type { Job } from "../../domain/job/job.ts";
import { isTerminal } from "../../domain/job/job.ts";
import { StoredJson } from "../../domain/job/payload.ts";
import type { ApiStores } from "../../ports/api-store.ts";
import type { CallbackOutcome } from "../../ports/callback-sender.ts";
import { updateJob } from "../update.ts";
import type { ApiDeps } from "./api-deps.ts";
import { describeJob } from "./job-status.ts";

const MAX_TRIES = 3;

/** Nothing happens unless a try is due. After a crash a try may be repeated or missing, never more than three made. */
export async function sendCallback(deps: ApiDeps, seen: Job): Promise<void> {
  const claimed = await claimTry(deps, seen);
  const callback = claimed?.api?.callback;
  if (claimed === undefined || callback === undefined) return;
  const outcome = await attempt(deps, claimed, callback.url);
  const { tries } = callback;
  const again = outcome.type === "failed" && tries < MAX_TRIES;
  const dueAt = again ? deps.clock.now() + CALLBACK_RETRY_MS : undefined;
  await updateJob(deps.stores.jobs, seen.id, (job) =>
    isOurTry(job, claimed) && job.api?.callback?.dueAt !== dueAt ? withCallback(job, { dueAt }) : undefined,
  );
  const line = { job: seen.id, count: tries };
  if (outcome.type === "delivered") deps.log.info("callback-delivered", line);
  else deps.log.warn(again ? "callback-failed" : "callback-given-up", { ...line, message: outcome.message });
}

/** Written before the call, so that two passes do not both make it; due again should this process end. */
async function claimTry(deps: ApiDeps, seen: Job): Promise<Job | undefined> {
  const now = deps.clock.now();
  const { item, changed } = await updateJob(deps.stores.jobs, seen.id, (job) => {
    const callback = job.api?.callback;
    if (!isDue(job, now) || callback === undefined) return undefined;
    const tries = callback.tries + 1;
    const dueAt = tries < MAX_TRIES ? now + CALLBACK_TIMEOUT_MS + CALLBACK_RETRY_MS : undefined;
    return withCallback(job, { tries, dueAt });
  });
  return changed ? item : undefined;
}

function isDue(job: Job, now: EpochMs): boolean {
  const dueAt = job.api?.callback?.dueAt;
  return isTerminal(job) && dueAt !== undefined && dueAt <= now;
}

/** A retry of the job, or a later try, has made another of it. */
function isOurTry(job: Job, claimed: Job): boolean {
  return (
    job.api?.generation === claimed.api?.generation &&
    job.api?.callback?.tries === claimed.api?.callback?.tries &&
    isTerminal(job)
  );
}

async function attempt(deps: ApiDeps, job: Job, url: string): Promise<CallbackOutcome> {
  if (deps.callbacks === undefined)
    return { type: "failed", message: "this process has no way to send callbacks" };
  const status = await describeJob(deps, job);
  const { output } = status;
  if (!(output instanceof StoredJson)) return deps.callbacks.send(url, JSON.stringify(status));
  const place = await takePlace(deps.apiStores);
  try {
    const json = await deps.apiStores.payloads.get(output.payload);
    const { output: _large, ...others } = status;
    const body = JSON.stringify(others);
    return await deps.callbacks.send(
      url,
      json === undefined ? body : `${body.slice(0, -1)},"output":${json}}`,
    );
  } finally {
    place.leave();
  }
}

/** Each has its output in memory, up to 20 MB, for as long as its receiver takes. */
const MAX_LARGE_AT_ONCE = 4;
type Places = { taken: number; readonly waiting: (() => void)[] };
const placesOf = new WeakMap<ApiStores, Places>();

async function takePlace(stores: ApiStores): Promise<{ leave(): void }> {
  const places = placesOf.get(stores) ?? { taken: 0, waiting: [] };
  placesOf.set(stores, places);
  if (places.taken < MAX_LARGE_AT_ONCE) places.taken++;
  else await new Promise<void>((resolve) => places.waiting.push(resolve));
  return {
    leave() {
      const next = places.waiting.shift();
      if (next === undefined) places.taken--;
      else next();
    },
  };
}

function withCallback(job: Job, change: Partial<Callback>): Job | undefined {
  if (job.api?.callback === undefined) return undefined;
  const callback = { ...job.api.callback, ...change };
  return { ...job, api: { ...job.api, callback } };
}
