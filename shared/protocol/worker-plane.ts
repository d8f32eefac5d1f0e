// The worker plane in RunPod's wire format, with our additions, as zod schemas for both ends.
//
//   GET  /v2/{endpoint}/job-take/{worker}?gpu=NPU&boot={bootId}&job_in_progress=0   200 TakenJob | 204
//   POST /v2/{endpoint}/registration/{worker}?boot={bootId}&ask={n}                 200 RegistrationAnswer | 4xx WorkerPlaneError
//   GET  /v2/{endpoint}/job-take-batch/{worker}?gpu=NPU&batch_size=4&job_in_progress=0   200 [TakenJob] | 204
//   GET  /v2/{endpoint}/job-stop/{worker}?gpu=NPU                                   200 {"jobsToStop":[job]} | 204
//   GET  /v2/{endpoint}/ping/{worker}?gpu=NPU&job_id={job}&phase={phase}&job_name={display name}   200 PingAnswer
//        &started={JSON of startedJob}: what the runner's started hook says, until a ping with it was answered
//   GET  /v2/{endpoint}/ping/{worker}?gpu=NPU&status=unhealthy&check={name}&reason={text}   200 PingAnswer
//   POST /v2/{endpoint}/job-done/{worker}/{job}?gpu=NPU&isStream=false              200 {}
//   POST /v2/{endpoint}/job-stream/{worker}/{job}?gpu=NPU&isStream=false            200 {}
//
// A worker without work is answered 204 after a while, or 429 where nothing can be held: RunPod's SDK asks again at once
// after a 204 and 5 s after a 429.
//
// Authorization: the worker token, raw. `boot`, `ask`, `phase`, `job_name`, `started`, `registration` and `dispatch` are
// ours; RunPod ignores them.
import * as z from "zod/mini";
import { ranJob } from "./started-job.ts";

const tenantPolicy = z.object({
  /** Login of the tenant, for the sentence that says what to change. */
  owner: z.string(),
  repositories: z.optional(z.array(z.string())),
  workflows: z.optional(z.array(z.string())),
  forks: z.enum(["refuse", "allow"]),
});
export type PolicySettings = z.infer<typeof tenantPolicy>;

const equalImages = z.object({
  /** Its entry in dispatch.yaml, for the sentence that says what to change. */
  endpoint: z.string(),
  /** Patterns of images that the worker's own container stands for. */
  images: z.array(z.string()),
});
export type ContainerSettings = z.infer<typeof equalImages>;

/** What our worker needs beyond RunPod's `{id, input}`: everything but secrets. */
const dispatchSettings = z.object({
  /** config.sh --url */
  url: z.string(),
  runnerName: z.string(),
  labels: z.array(z.string()),
  runnerGroup: z.optional(z.string()),
  defaultLabels: z.boolean(),
  cards: z.number(),
  registration: z.enum(["token", "jit", "auto"]),
  /** What the started hook refuses before any step. Absent: nothing. */
  policy: z.optional(tenantPolicy),
  /** For jobs with `container:`. Absent: none may run. */
  containers: z.optional(equalImages),
});
export type DispatchSettings = z.infer<typeof dispatchSettings>;

export const takenJob = z.object({
  id: z.string(),
  input: z.unknown(),
  /** The callback's URL, how often `/retry` was sent, and how long the job waited, ms: as RunPod tells its workers. */
  webhook: z.optional(z.string()),
  s3Config: z.optional(z.unknown()),
  retries: z.optional(z.number()),
  delayTime: z.optional(z.number()),
  dispatch: z.optional(dispatchSettings),
});
export type TakenJob = z.infer<typeof takenJob>;

export const registrationAnswer = z.discriminatedUnion("type", [
  z.object({ type: z.literal("token"), token: z.string() }),
  z.object({ type: z.literal("jit"), encodedJitConfig: z.string() }),
]);
export type RegistrationAnswer = z.infer<typeof registrationAnswer>;

/** `?registration=` on the request: what `auto` became in this container. */
export const registrationKind = z.enum(["token", "jit"]);

/** `?ask=` on the request: the boot's own count of its questions, from 1. */
export const askNumber = z.coerce.number().check(z.gte(1));

export const pingAnswer = z.object({ drain: z.optional(z.string()) });
export type PingAnswer = z.infer<typeof pingAnswer>;

export const pingPhase = z.enum(["preflight", "registering", "listening", "running"]);
export type PingPhase = z.infer<typeof pingPhase>;

const exit = z.object({ code: z.optional(z.number()), signal: z.optional(z.string()) });

/** Our worker's `output` in job-done; a foreign worker sends what it likes. */
export const workerOutput = z.object({
  outcome: z.enum([
    "ran",
    "idle",
    "preflight-failed",
    "registration-refused",
    "config-failed",
    "runner-failed",
    "runner-too-old",
    "no-runner",
    "runner-died",
    "cancelled",
  ]),
  message: z.string(),
  runnerExit: z.optional(exit),
  jobName: z.optional(z.string()),
  result: z.optional(z.string()),
  ran: z.optional(ranJob),
  memoryKills: z.optional(
    z.object({ killed: z.int().check(z.gte(1)), limitBytes: z.optional(z.int().check(z.gte(1))) }),
  ),
  /** After a failed preflight: what the host calls the cards in trouble. Empty: none of its own. Absent: any may be. */
  badCards: z.optional(z.array(z.string().check(z.maxLength(64))).check(z.maxLength(64))),
});

/** `output` on success, `error` on failure (then `output` may hold the report); `stopPod` on a worker's last job. */
export const jobDone = z.object({
  output: z.optional(z.unknown()),
  error: z.optional(z.string()),
  status: z.optional(z.string()),
  stopPod: z.optional(z.boolean()),
});
export type JobDone = z.infer<typeof jobDone>;

/** One chunk of a generator's stream. */
export const jobChunk = z.object({ output: z.optional(z.unknown()) });

export const jobsToStop = z.object({ jobsToStop: z.array(z.string()) });

/** Every refusal of the worker plane. `retryAfterMs`: try again then; without it: do not. */
export const workerPlaneError = z.object({
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  error: z.string(),
  retryAfterMs: z.optional(z.number()),
});
