// The client plane's routes for the reference.
import {
  health,
  jobStatus,
  nearMissesAnswer,
  purgeAnswer,
  requestsAnswer,
  runAnswer,
  runRequest,
  streamAnswer,
} from "../../../shared/protocol/client-plane.ts";
import type { ApiRoute, Named, QueryParameter } from "../route.ts";

const status: Named = { name: "JobStatus", schema: jobStatus };
const run: Named = { name: "RunRequest", schema: runRequest };

const CLIENT = [401, 403, 404, 405, 429, 503] as const;

const wait = (standard: number): QueryParameter => ({
  name: "wait",
  description: "Longest hold, ms. The server may answer earlier with the present state; then ask again",
  schema: { type: "number", minimum: 1_000, maximum: 300_000, default: standard },
});
const ttl: QueryParameter = {
  name: "ttl",
  description: "The job's result is kept no longer than for so long, ms, from now or from its end",
  schema: { type: "number", minimum: 0 },
};
const idempotencyKey: QueryParameter = {
  name: "Idempotency-Key",
  description: "A repeat with the same key and body answers with the same job",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

const client = { plane: "client" } as const;
export const CLIENT_ROUTES: readonly ApiRoute[] = [
  {
    ...client,
    methods: ["POST"],
    path: "/v2/{endpoint}/run",
    summary: "Queues a job and answers at once",
    headers: [idempotencyKey],
    body: run,
    answer: { name: "RunAnswer", schema: runAnswer },
    refusals: [400, ...CLIENT, 408, 409, 413],
  },
  {
    ...client,
    methods: ["POST"],
    path: "/v2/{endpoint}/runsync",
    summary: "Queues a job and waits for its end",
    query: [wait(90_000)],
    headers: [idempotencyKey],
    body: run,
    answer: status,
    refusals: [400, ...CLIENT, 408, 409, 413],
  },
  {
    ...client,
    methods: ["GET", "POST"],
    path: "/v2/{endpoint}/status/{id}",
    summary: "The present state of a job, of a workflow job too (gh-<its id>), and why it waits",
    query: [ttl],
    answer: status,
    refusals: [400, ...CLIENT],
  },
  {
    ...client,
    methods: ["GET", "POST"],
    path: "/v2/{endpoint}/status-sync/{id}",
    summary: "Waits for the end of a job",
    query: [wait(90_000)],
    answer: status,
    refusals: CLIENT,
  },
  {
    ...client,
    methods: ["GET", "POST"],
    path: "/v2/{endpoint}/stream/{id}",
    summary: "Waits for chunks of a job's output and takes those there are; each comes once",
    query: [wait(10_000)],
    answer: { name: "StreamAnswer", schema: streamAnswer },
    refusals: CLIENT,
  },
  {
    ...client,
    methods: ["POST"],
    path: "/v2/{endpoint}/cancel/{id}",
    summary: "Ends a job; harmless when it has ended",
    answer: status,
    refusals: CLIENT,
  },
  {
    ...client,
    methods: ["POST"],
    path: "/v2/{endpoint}/retry/{id}",
    summary: "Queues a failed or timed-out job again, under the same id",
    answer: status,
    refusals: [...CLIENT, 409],
  },
  {
    ...client,
    methods: ["POST"],
    path: "/v2/{endpoint}/purge-queue",
    summary: "Cancels the queued jobs that the caller may see",
    answer: { name: "PurgeAnswer", schema: purgeAnswer },
    refusals: CLIENT,
  },
  {
    ...client,
    methods: ["GET"],
    path: "/v2/{endpoint}/health",
    summary: "Counts of jobs and workers",
    answer: { name: "Health", schema: health },
    refusals: CLIENT,
  },
  {
    ...client,
    methods: ["GET"],
    path: "/v2/{endpoint}/requests",
    summary: "The caller's jobs that have not ended",
    answer: { name: "Requests", schema: requestsAnswer },
    refusals: CLIENT,
  },
  {
    ...client,
    methods: ["GET"],
    path: "/v2/near-misses",
    summary: "Labels of the owner's workflow jobs that nearly are an endpoint's; for API keys",
    answer: { name: "NearMisses", schema: nearMissesAnswer },
    refusals: [401, 403, 405, 429, 503],
  },
];
