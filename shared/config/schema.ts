// The shape of dispatch.yaml, one schema for parsing, for editors (schema/dispatch.schema.json) and for fault texts.
import * as z from "zod";
import { LOGIN_PATTERN } from "../domain/runner-scope.ts";
import { DURATION } from "./duration.ts";
import { limitsSchema, tenantLimitFields } from "./limits.ts";
import { dockerFields } from "./pools/docker-pool.ts";
import { kubernetesFields } from "./pools/kubernetes-pool.ts";
import { programEnvFields, variable } from "./variables.ts";

/** GitHub's limits: 100 labels per runner, 256 characters each. */
const MAX_LABELS = 100;
const MAX_LABEL_LENGTH = 256;

/** A file in the job's own repository, or with `owner/name/` before it in another; then `@` and a full ref. */
const WORKFLOW = /^(?:[\w.-]+\/[\w.-]+\/)?\.github\/workflows\/[^\s@/]+(?:@refs\/\S+)?$/;

const count = z.int().min(1).max(10_000);

/** config.sh takes labels as one text with commas. */
const label = z
  .string()
  .min(1)
  .max(MAX_LABEL_LENGTH)
  .regex(/^[^\s,](?:[^,\p{Cc}]*[^\s,])?$/u);

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);

const duration = (text: string) => z.string().regex(DURATION).describe(`${text}, for example 6h, 5m or 90s`);

/** What every pool has. */
const poolFields = {
  kind: z.enum(["npu", "gpu", "cpu"]).describe("What its cards are: npu, gpu, or cpu for none"),
  cards: z
    .union([z.literal("auto"), z.int().min(0).max(10_000)])
    .default("auto")
    .describe("Number of cards, or auto to let the driver count them"),
  allowedCounts: z
    .array(count)
    .min(1)
    .optional()
    .describe("Numbers of cards that one worker may have, such as [1, 2, 4, 8]; any when left out"),
  maxWorkers: count.optional().describe("Most workers at a time, cards or not; no limit when left out"),
  startsAtOnce: count.optional().describe("Starts under way at a time in one process; 64 when left out"),
  env: z
    .record(variable, z.string())
    .default({})
    .describe("Further environment variables of its workers, as texts; no secrets"),
};

const localPool = z.strictObject({
  driver: z.literal("local").describe("What starts the workers: local (processes on this machine)"),
  ...poolFields,
});

export const poolSchema = z.discriminatedUnion("driver", [
  localPool,
  z.strictObject({ ...dockerFields, ...poolFields }),
  z.strictObject({ ...kubernetesFields, ...poolFields }),
]);

export const endpointSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9-]*(\{npus\})?[a-z0-9-]*$/)
    .min(1)
    .max(63)
    .describe(
      "Its name in lower-case letters, digits and dashes, with {npus} where the number of cards goes",
    ),
  npus: z
    .array(count)
    .min(1)
    .optional()
    .describe("With {npus} in the name: the numbers of cards to offer, such as [1, 2, 4, 8]"),
  selector: label
    .optional()
    .describe("The runs-on label that chooses it and no other endpoint; its name when left out"),
  labels: z
    .array(label)
    .max(MAX_LABELS - 1)
    .default([])
    .describe("Further labels of its runners, each a text of at most 256 characters without commas"),
  pool: z.string().describe("The name of the pool, under pools, where its workers run"),
  cards: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe("Cards of one worker; 1 when left out, 0 in a cpu pool. Not with {npus}"),
  startedBy: z
    .enum(["webhook", "api"])
    .default("webhook")
    .describe("What starts its workers: webhook (a queued job) or api (POST /v2/{endpoint}/run)"),
  registration: z
    .enum(["token", "jit", "auto"])
    .default("auto")
    .describe("How its runners register: token, jit, or auto to choose the safe one"),
  defaultLabels: z
    .boolean()
    .default(false)
    .describe(
      "true adds self-hosted, the OS and the architecture, and so lets other jobs in; false does not",
    ),
  image: z
    .string()
    .regex(/^\S+$/)
    .optional()
    .describe("Container image of its workers, where the pool runs containers"),
  command: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      "Program and arguments instead of our worker, as a list; no shell. In a local pool ./ is the folder of this file",
    ),
  ...programEnvFields,
  capabilities: z
    .array(z.string().regex(/^[A-Z_]+$/))
    .default([])
    .describe("Linux capabilities beside those of its pool, where that runs containers"),
  containerImages: z
    .array(z.string().regex(/^[^\s"]+$/))
    .max(100)
    .default([])
    .describe(
      "Images of container: whose jobs may run in its workers' own container, being equal to it; * stands for any characters",
    ),
  limits: z
    .strictObject({
      execution: duration("Longest time of one job (default 6h)").optional(),
      idle: duration("Longest wait of a listening runner for its job (default 5m)").optional(),
      warm: duration(
        "Longest wait of a program for its next job, which ends at once where another job waits for its place (default: idle)",
      ).optional(),
      boot: duration(
        "Longest time from start to the worker's first call, image pull included (default 15m)",
      ).optional(),
    })
    .default({})
    .describe("Time limits of its workers"),
});

export const tenantSchema = z.strictObject({
  owner: z.string().regex(LOGIN_PATTERN).describe("Login of the organization or user; naming it approves it"),
  ownerId: z
    .union([z.int().min(1), z.string().regex(/^[1-9]\d*$/)])
    .optional()
    .describe("Its numeric id at GitHub (gh api users/LOGIN --jq .id), which survives a rename"),
  runnerGroup: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("Name of the runner group for its runners, in quotes if it is a number; Default when left out"),
  weight: z
    .number()
    .positive()
    .max(1_000)
    .default(1)
    .describe("Share of the cards when several tenants wait"),
  maxCards: z.int().min(0).optional().describe("Most cards at a time in each pool; no limit when left out"),
  maxWorkers: z
    .int()
    .min(0)
    .optional()
    .describe("Most workers at a time in each pool; no limit when left out"),
  ...tenantLimitFields,
  level: z
    .enum(["auto", "organization", "repository"])
    .default("auto")
    .describe("Where its runners register: organization, repository, or auto by the owner's type"),
  repositories: z
    .array(z.string().regex(/^[\w.*-]{1,100}$/))
    .min(1)
    .optional()
    .describe(
      "Its repositories that may use the pools, names without the owner, * for any text; all when left out",
    ),
  workflows: z
    .array(z.string().regex(WORKFLOW))
    .min(1)
    .optional()
    .describe(
      "Workflow files that may, such as .github/workflows/npu.yml or .github/workflows/npu-*.yml@refs/heads/main; all when left out",
    ),
  forks: z
    .enum(["refuse", "allow"])
    .default("refuse")
    .describe("Pull requests from forks: refuse fails their jobs before the first step, allow runs them"),
});

const apiKeySchema = z.strictObject({
  name: z.string().min(1).max(100).describe("What the key is for, in a few words"),
  owner: z.string().min(1).max(100).describe("Login of the tenant that it acts for"),
  ownerId: z.int().positive().describe("That tenant's numeric id at GitHub"),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("SHA-256 of the key in hex; the key itself is kept nowhere"),
});

export const configSchema = z.strictObject({
  publicUrl: z
    .string()
    .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/)
    .optional()
    .describe("Base URL at which workers reach this dispatcher, such as https://dispatch.example.org"),
  pools: z
    .record(name, poolSchema)
    .describe("Where workers run, by a name in lower-case letters, digits, dashes"),
  endpoints: z.array(endpointSchema).min(1).describe("Kinds of workers, a list"),
  tenants: z.array(tenantSchema).default([]).describe("Organizations and users that may use it, a list"),
  apiKeys: z
    .array(apiKeySchema)
    .default([])
    .describe("Keys of the API by their hash, a list; npm run key makes one"),
  oidcIssuer: z
    .string()
    .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/)
    .default("https://token.actions.githubusercontent.com")
    .describe("Issuer of workflow steps' tokens; https://HOST/_services/token for GitHub Enterprise Server"),
  callbacks: z
    .strictObject({
      allow: z
        .array(z.string().min(1))
        .default([])
        .describe("Host names that a job's webhook may reach though they are private or not https"),
    })
    .default({ allow: [] })
    .describe("Where the status of an ended API job may be posted"),
  limits: limitsSchema.prefault({}).describe("Global limits"),
});

export type PoolSpec = z.output<typeof poolSchema>;
export type EndpointSpec = z.output<typeof endpointSchema>;
export type TenantSpec = z.output<typeof tenantSchema>;
export type ApiKeySpec = z.output<typeof apiKeySchema>;

/** Draft 7, which editors understand best; what people write, so defaults are not required. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    title: "npu-dispatch configuration (dispatch.yaml)",
    ...z.toJSONSchema(configSchema, { io: "input", target: "draft-7" }),
  };
}
