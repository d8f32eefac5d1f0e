// The part of dispatch.yaml that gives the workers of a pool a container beside them that builds images.
import * as z from "zod";
import { QUANTITY } from "../../adapters/pools/kubernetes/quantity.ts";

/**
 * Of the fork that is maintained, with a shell: docs/building-images.md. Its version is that of
 * worker/image/versions.json.
 */
const IMAGE = "ghcr.io/osscontainertools/kaniko:v1.28.3-debug";
/** On gcr.io or in a mirror of it. */
const GOOGLES = /(?:^|\/)kaniko-project\/executor(?:[:@]|$)/;
/** Of the worker image. */
const WORK_FOLDER = "/home/runner/_work";
const SIZE = /^(\d+(?:\.\d+)?)([MG]i)B?$/;

const fields = {
  image: z
    .string()
    .regex(/^\S+$/)
    .refine((image) => !GOOGLES.test(image), {
      error: `it is Google's kaniko, which was archived in June 2025 and gets no fixes; ${IMAGE} is the fork that is maintained`,
    })
    .default(IMAGE)
    .describe("Image with kaniko's executor and a shell"),
  folder: z
    .string()
    .regex(/^\/\S*[^/\s]$/)
    .default(WORK_FOLDER)
    .describe("Work folder of the worker's image, which both containers share"),
  endpoints: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Names of the endpoints whose workers get one; all of the pool when left out"),
};
const TEXT = "Builds images beside each worker, for its kaniko command; {} has all that is needed";

/** Unpacked layers and the snapshot of one lie in its memory and on its disk; small images need less. */
export const kubernetesBuilder = z
  .strictObject({
    ...fields,
    cpu: z.string().regex(QUANTITY).default("2").describe("Its cores, in quotes"),
    memory: z.string().regex(QUANTITY).default("4Gi").describe("Its memory; a build above it is ended"),
    ephemeralStorage: z
      .string()
      .regex(QUANTITY)
      .optional()
      .describe("Its space on the node's disk, such as 50Gi; no limit when left out"),
  })
  .optional()
  .describe(TEXT);

export const dockerBuilder = z
  .strictObject({
    ...fields,
    cpus: z.number().positive().max(1_024).optional().describe("Its cores; all when left out"),
    memory: z
      .string()
      .regex(SIZE)
      .default("4GiB")
      .describe("Its memory, such as 512MiB or 8GiB; a build above it is ended"),
  })
  .optional()
  .describe(TEXT);
