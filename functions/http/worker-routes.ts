// The worker plane's routes for the reference.
import * as z from "zod/mini";
import {
  jobChunk,
  jobDone,
  jobsToStop,
  pingAnswer,
  registrationAnswer,
  takenJob,
} from "../../shared/protocol/worker-plane.ts";
import type { ApiRoute, QueryParameter } from "./api-route.ts";

const WORKER = [401, 403, 429, 503] as const;
const worker = { plane: "worker" } as const;
const NOTHING = "There is nothing; ask again";
const recorded = { name: "Recorded", schema: z.object({}) };

const inProgress: QueryParameter = {
  name: "job_in_progress",
  description: "1 while the worker runs another job",
  schema: { enum: ["0", "1"] },
};
const boot: QueryParameter = {
  name: "boot",
  description: "Names the container, so that a second one of the same worker gets nothing",
  schema: { type: "string" },
};

export const WORKER_ROUTES: readonly ApiRoute[] = [
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/job-take/{worker}",
    summary: "The job that the worker was started for",
    query: [inProgress, boot],
    answer: { name: "TakenJob", schema: takenJob },
    nothing: NOTHING,
    refusals: WORKER,
  },
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/job-take-batch/{worker}",
    summary: "Jobs for a worker that runs several at once",
    query: [
      { name: "batch_size", description: "Its free places", schema: { type: "integer" } },
      inProgress,
      boot,
    ],
    answer: { name: "TakenJobs", schema: z.array(takenJob) },
    nothing: NOTHING,
    refusals: WORKER,
  },
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/job-stop/{worker}",
    summary: "Waits for jobs of the worker that are to be stopped",
    answer: { name: "JobsToStop", schema: jobsToStop },
    nothing: NOTHING,
    refusals: WORKER,
  },
  {
    ...worker,
    methods: ["POST"],
    path: "/v2/{endpoint}/registration/{worker}",
    summary: "What config.sh registers the runner with; answered once the worker has passed its preflight",
    query: [
      boot,
      { name: "registration", description: "Which of the two", schema: { enum: ["token", "jit"] } },
    ],
    answer: { name: "RegistrationAnswer", schema: registrationAnswer },
    refusals: [400, ...WORKER, 409],
  },
  {
    ...worker,
    methods: ["GET"],
    path: "/v2/{endpoint}/ping/{worker}",
    summary: "The worker lives; the answer may ask it to drain",
    query: [{ name: "job_id", description: "Its jobs, with commas", schema: { type: "string" } }],
    answer: { name: "PingAnswer", schema: pingAnswer },
    refusals: WORKER,
  },
  {
    ...worker,
    methods: ["POST"],
    path: "/v2/{endpoint}/job-done/{worker}/{job}",
    summary: "The result or the progress of a job: JSON, whatever its content type says",
    body: { name: "JobDone", schema: jobDone },
    answer: recorded,
    refusals: [400, ...WORKER, 413],
  },
  {
    ...worker,
    methods: ["POST"],
    path: "/v2/{endpoint}/job-stream/{worker}/{job}",
    summary: "A chunk of a job's output: JSON, whatever its content type says",
    body: { name: "JobChunk", schema: jobChunk },
    answer: recorded,
    refusals: [400, ...WORKER, 413],
  },
];
