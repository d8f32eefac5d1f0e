// What bodies, tenants and connections may take, so that nobody takes what the others need. Bytes, unless a name says else.
import * as z from "zod";

const KB = 1_000;
const MB = 1_000_000;
const GB = 1_000 * MB;

/** 1 MiB: 80 times the largest published workflow_job example; GitHub itself stops at 25 MB. */
const MAX_DELIVERY_BYTES = 1_048_576;
/** RunPod's. */
const RUN_BYTES = 10 * MB;
const RUNSYNC_BYTES = 20 * MB;
/** JSON.stringify overflows the stack at some 5,000 levels; no input of any use has 500. */
const MAX_DEPTH = 2_000;

const bytes = (least: number, most: number) => z.int().min(least).max(most);

const bodyLimits = z.strictObject({
  runBytes: bytes(KB, 100 * MB)
    .default(RUN_BYTES)
    .describe("Largest body of /run, in bytes; on Lambda 4 MB at most"),
  runsyncBytes: bytes(KB, 100 * MB)
    .default(RUNSYNC_BYTES)
    .describe("Largest body of /runsync and largest result of a program, in bytes; on Lambda 4 MB at most"),
  keys: z
    .int()
    .min(100)
    .max(10_000_000)
    .default(100_000)
    .describe("Most members of objects in a body, all together"),
  containers: z
    .int()
    .min(100)
    .max(10_000_000)
    .default(100_000)
    .describe("Most objects and lists in a body, all together"),
  depth: z
    .int()
    .min(10)
    .max(MAX_DEPTH)
    .default(500)
    .describe("Most objects and lists within each other in a body"),
});

const bytesUnderWay = bytes(MB, 10 * GB);
const bytesPerSecond = bytes(10 * KB, 10 * GB);
const storedBytes = bytes(0, 100_000 * GB);

const tenantLimits = z.strictObject({
  bytesUnderWay: bytesUnderWay
    .default(40 * MB)
    .describe(
      "Bodies above 64 kB of one tenant that may be under way at a time, in bytes; as much again of large answers",
    ),
  bytesPerSecond: bytesPerSecond
    .default(4 * MB)
    .describe(
      "How fast one tenant's bodies are read, and as fast its large answers are sent, in bytes a second",
    ),
  storedBytes: storedBytes
    .default(GB)
    .describe("Inputs, results and streams of one tenant's API jobs that may be stored at a time, in bytes"),
});

/** Of one tenant, where it differs. */
export const tenantLimitFields = {
  bytesUnderWay: bytesUnderWay.optional().describe("Its own limits.tenant.bytesUnderWay"),
  bytesPerSecond: bytesPerSecond.optional().describe("Its own limits.tenant.bytesPerSecond"),
  storedBytes: storedBytes
    .optional()
    .describe("Its own limits.tenant.storedBytes; 0 takes only inputs up to 32 kB"),
};

export const limitsSchema = z.strictObject({
  maxDeliveryBytes: bytes(65_536, 26_214_400)
    .default(MAX_DELIVERY_BYTES)
    .describe("Largest webhook delivery that is read, in bytes"),
  body: bodyLimits.prefault({}).describe("What one body may hold"),
  tenant: tenantLimits
    .prefault({})
    .describe("What one tenant may take, where its own entry says nothing else"),
  bytesUnderWay: bytesUnderWay
    .default(200 * MB)
    .describe(
      "Bodies of all tenants and workers that may be under way at a time, in bytes; as much again of large answers",
    ),
  connections: z.int().min(10).max(1_000_000).default(4_000).describe("Most connections at a time"),
  connectionsPerAddress: z
    .int()
    .min(5)
    .max(1_000_000)
    .default(2_000)
    .describe("Most connections of one address at a time; of a proxy in front these are everybody's"),
  freeDiskBytes: bytes(0, 100_000 * GB)
    .optional()
    .describe(
      "No new API jobs are taken while the data folder's disk has less left, in bytes; 1 GB or a tenth of the disk, whichever is less, when left out",
    ),
});

export type Limits = z.output<typeof limitsSchema>;
