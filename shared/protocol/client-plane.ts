// The client plane in RunPod's wire format, with our additions, as zod schemas: what is parsed, and what /openapi.json
// says.
//
// Additions: `Idempotency-Key` on run and runsync; `label` of a job whose worker registers a runner; `phase`,
// `whyWaiting`, `endReason` and `endClass`; workflow jobs of GitHub under `status`; `near-misses`; the body of a refusal:
// RunPod's clients read its status code only.
import * as z from "zod/mini";

/** RunPod's bounds of a policy, ms. */
const MIN_EXECUTION_MS = 5_000;
const MIN_TTL_MS = 10_000;
const MAX_POLICY_MS = 604_800_000;
const MAX_URL_LENGTH = 2_048;
/** Sealed in the job's own row, which takes 300 kB; the six fields of RunPod's clients are below 1 kB. */
export const MAX_S3_CONFIG_BYTES = 16_000;

const callbackUrl = z.url({ protocol: /^https?$/ }).check(z.maxLength(MAX_URL_LENGTH));
const milliseconds = (least: number, text: string) =>
  z.optional(z.int().check(z.minimum(least), z.maximum(MAX_POLICY_MS), z.describe(text)));

export const runRequest = z.object({
  input: z.unknown().check(z.describe("Any JSON; the worker gets it")),
  webhook: z.optional(
    callbackUrl.check(z.describe("Gets the job's status by POST when it ends: one try, two more")),
  ),
  webhookV2: z.optional(callbackUrl.check(z.describe("The same as webhook"))),
  policy: z.optional(
    z.object({
      executionTimeout: milliseconds(MIN_EXECUTION_MS, "Longest run from the worker's take on, ms"),
      ttl: milliseconds(MIN_TTL_MS, "Longest life from submission on, ms; for a runner until its pickup"),
      lowPriority: z.optional(z.boolean().check(z.describe("Starts after the other jobs of its tenant"))),
    }),
  ),
  s3Config: z.optional(
    z
      .record(z.string(), z.unknown())
      .check(
        z.refine(isShort),
        z.describe(`Passed to the worker, never shown; at most ${MAX_S3_CONFIG_BYTES} bytes of JSON`),
      ),
  ),
});
export type RunRequest = z.infer<typeof runRequest>;

function isShort(config: object): boolean {
  return new TextEncoder().encode(JSON.stringify(config)).length <= MAX_S3_CONFIG_BYTES;
}

const jobState = z.enum(["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]);
const count = z.int().check(z.minimum(0));
const ms = z.number().check(z.minimum(0));
const label = z.optional(
  z.string().check(z.describe("The runs-on label that only this job's runner has; absent without a runner")),
);

export const runAnswer = z.object({ id: z.string(), status: jobState, label });

const phase = z
  .enum(["held", "queued", "starting", "booting", "preflight", "registering", "listening", "running", "done"])
  .check(z.describe("How far a job is that has not ended"));
const at = z.number().check(z.describe("Milliseconds since 1970"));

const whyWaiting = z
  .object({
    code: z.string().check(z.describe("One of the codes in docs/states.md")),
    message: z.string().check(z.describe("What it waits for, and what to do, if anything")),
    since: at,
    until: z.optional(at),
    expectedAt: z.optional(at.check(z.describe("When it starts by the pace of late: an estimate"))),
    place: z.optional(z.int().check(z.minimum(1))),
    ahead: z.optional(count),
    cards: z.optional(z.object({ needed: count, free: count, total: count })),
  })
  .check(z.describe("Why a job that has not ended does not run yet"));

export const jobStatus = z.object({
  id: z.string(),
  status: jobState,
  delayTime: z.optional(ms.check(z.describe("From submission to the worker's take, ms"))),
  executionTime: z.optional(ms.check(z.describe("From the take to the end, ms"))),
  workerId: z.optional(z.string()),
  output: z.optional(z.unknown().check(z.describe("The result, or while in progress the last progress"))),
  error: z.optional(z.string()),
  phase: z.optional(phase),
  whyWaiting: z.optional(whyWaiting),
  endReason: z.optional(z.string().check(z.describe("Why it ended: one of the reasons in docs/states.md"))),
  endClass: z.optional(z.enum(["success", "user", "infrastructure", "configuration"])),
  label,
});

export const streamAnswer = z.object({
  status: jobState,
  stream: z.array(z.object({ output: z.unknown() })).check(z.describe("Chunks since the last call")),
});

export const purgeAnswer = z.object({ removed: count, status: z.literal("completed") });

export const health = z.object({
  jobs: z.object({ completed: count, failed: count, inProgress: count, inQueue: count, retried: count }),
  workers: z.object({
    idle: count,
    initializing: count,
    ready: count,
    running: count,
    throttled: count,
    unhealthy: count,
  }),
});

export const nearMissesAnswer = z.object({
  nearMisses: z.array(
    z.object({
      labels: z.array(z.string()),
      whyWaiting,
      count: z.int().check(z.minimum(1), z.describe("How often these labels came")),
      lastAt: at,
      lastUrl: z.string().check(z.describe("The last workflow job that asked for them")),
    }),
  ),
});

export const requestsAnswer = z.object({ requests: z.array(jobStatus) });

/** Every refusal of the client plane: RFC 9457's fields and RunPod's `error`. */
export const clientPlaneError = z.object({
  title: z.string(),
  status: z.int(),
  detail: z.string().check(z.describe("What happened and what to do next")),
  error: z.string().check(z.describe("The same as detail")),
  retryAfterMs: z.optional(z.number()),
});
