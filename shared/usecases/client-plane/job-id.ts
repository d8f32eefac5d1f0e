// Ids of API jobs in RunPod's form. One that is asked for under a key follows from that key, so that a repeat finds its
// job.

import type { EndpointName, JobId } from "../../domain/ids.ts";
import { jobId } from "../../domain/ids.ts";
import type { ApiCaller } from "../../domain/job/api-job.ts";

/** 32 characters of 36: more than the 122 bits that a uuid keeps. */
export const ID_ENTROPY = 32;

export async function newJobId(kind: "async" | "sync", random: string): Promise<JobId> {
  return jobId(`${kind === "sync" ? "sync-" : ""}${await uuidOf(random)}-e1`);
}

/**
 * The same for /run and /runsync: a key that came with the one is used up for the other too. Two repositories of one
 * tenant may choose the same key, and so may the callers of two endpoints where `endpoint` is given.
 */
export async function keyedJobId(
  caller: Pick<ApiCaller, "tenant" | "repositoryId">,
  key: string,
  endpoint?: EndpointName,
): Promise<JobId> {
  const owner = [caller.tenant, caller.repositoryId ?? null];
  return jobId(`${await uuidOf(JSON.stringify([...owner, endpoint ?? null, key]))}-e1`);
}

/** SHA-256 in the form of a uuid of version 8, which is for such ids. */
async function uuidOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
