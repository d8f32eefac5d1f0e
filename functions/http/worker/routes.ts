// The worker plane's routes for the reference.
import * as z from "zod/mini";
import { startedJob } from "../../../shared/protocol/started-job.ts";
import {
  jobChunk,
  jobDone,
  jobsToStop,
  pingAnswer,
  pingPhase,
  registrationAnswer,
  takenJob,
} from "../../../shared/protocol/worker-plane.ts";
import type { ApiRoute, QueryParameter } from "../route.ts";

const WORKER = [401, 403, 405, 503] as const;
const worker = { plane: "worker" } as const;
const NOTHING = "There is nothing; ask again";
const recorded = { name: "Recorded", schema: z.object({}) };

const inProgress: QueryParameter = {
  name: "job_in_progress",
  description: "1 while the worker runs another job",
  schema: { enum: ["0", "1"] },
};
const gpu: QueryParameter = {
  name: "gpu",
  description: "Of RunPod's URLs; not looked at",
  schema: { type: "string" },
};
const isStream: QueryParameter = {
  name: "isStream",
  description: "Of RunPod's SDK; not looked at: chunks come by job-stream",
  schema: { enum: ["true", "false"] },
};
const text = (name: string, description: string): QueryParameter => ({
  name,
  description,
  schema: { type: "string" },
});
const boot: QueryParameter = {
  name: "boot",
  description: "Names the container, so that a second one of the same worker gets nothing",
  schema: { type: "string" },
};

const PING: readonly QueryParameter[] = [
  text("job_id", "Its jobs, with commas"),
  {
    name: "phase",
    description: "How far our worker is; any other word is as good as none",
    schema: { type: "string", enum: pingPhase.options },
  },
  text("job_name", "Display name of the workflow job that it runs, from the runner's log"),
  {
    name: "started",
    description: "What the runner's started hook said, as JSON, until a ping with it was answered",
    content: { name: "StartedJob", schema: startedJob },
  },
  { name: "status", description: "Of RunPod's SDK, before it ends itself", schema: { enum: ["unhealthy"] } },
  text("check", "Which of its checks failed"),
  text("reason", "Why, in at most 256 characters"),
  text("runpod_version", "Of its SDK; not looked at"),
];

export const WORKER_ROUTES: readonly ApiRoute[] = [
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/job-take/{worker}",
    summary: "The job that the worker was started for",
    query: [gpu, inProgress, boot],
    answer: { name: "TakenJob", schema: takenJob },
    nothing: NOTHING,
    refusals: [...WORKER, 429],
  },
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/job-take-batch/{worker}",
    summary: "The same in a list, for a worker that runs several at once: one job at a time",
    query: [
      gpu,
      { name: "batch_size", description: "Its free places; not looked at", schema: { type: "integer" } },
      inProgress,
      boot,
    ],
    answer: { name: "TakenJobs", schema: z.array(takenJob) },
    nothing: NOTHING,
    refusals: [...WORKER, 429],
  },
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/job-stop/{worker}",
    summary: "Waits for jobs of the worker that are to be stopped",
    query: [gpu],
    answer: { name: "JobsToStop", schema: jobsToStop },
    nothing: NOTHING,
    refusals: [...WORKER, 429],
  },
  {
    ...worker,
    methods: ["POST"],
    path: "/v2/{endpoint}/registration/{worker}",
    summary: "What config.sh registers the runner with; answered once the worker has passed its preflight",
    query: [
      gpu,
      boot,
      { name: "registration", description: "Which of the two", schema: { enum: ["token", "jit"] } },
      {
        name: "ask",
        description: "The worker's own count of its questions, from 1: only the last one is answered",
        schema: { type: "integer", minimum: 1 },
      },
    ],
    answer: { name: "RegistrationAnswer", schema: registrationAnswer },
    refusals: [400, ...WORKER, 409, 429],
  },
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/ping/{worker}",
    summary: "The worker lives; the answer may ask it to drain",
    query: [gpu, ...PING],
    answer: { name: "PingAnswer", schema: pingAnswer },
    refusals: WORKER,
  },
  {
    ...worker,
    methods: ["POST"],
    path: "/v2/{endpoint}/job-done/{worker}/{job}",
    summary: "The result or the progress of a job: JSON, whatever its content type says",
    query: [gpu, isStream],
    body: { name: "JobDone", schema: jobDone },
    answer: recorded,
    refusals: [400, ...WORKER, 408, 413],
  },
  {
    ...worker,
    methods: ["POST"],
    path: "/v2/{endpoint}/job-stream/{worker}/{job}",
    summary: "A chunk of a job's output: JSON, whatever its content type says",
    query: [gpu, isStream],
    body: { name: "JobChunk", schema: jobChunk },
    answer: recorded,
    refusals: [400, ...WORKER, 408, 413],
  },
];
