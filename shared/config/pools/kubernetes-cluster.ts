// How dispatch.yaml says that a cluster is reached, and by whose credentials.
import * as z from "zod";

const path = z.string().regex(/^\/\S*$/);
const server = z
  .string()
  .regex(/^https:\/\/[^\s?#@]+$/)
  .describe("URL of the API server, https://host:port");
const authority = {
  caFile: path.optional().describe("File with the certificate of its authority; a public one when left out"),
  caData: z
    .string()
    .regex(/^[A-Za-z0-9+/]+={0,2}$/)
    .optional()
    .describe("Or that certificate itself, in base64 as in a kubeconfig, where there is no file: on Lambda"),
};

export const clusterAccess = z.discriminatedUnion("auth", [
  z.strictObject({
    auth: z.literal("in-cluster").describe("The service account of the dispatcher's own pod"),
  }),
  z.strictObject({
    auth: z
      .literal("kubeconfig")
      .describe("A kubeconfig file, with its exec plugins (EKS: aws eks get-token)"),
    path: path.optional().describe("The file; as kubectl finds it when left out"),
    context: z.string().min(1).optional().describe("A context of it; its current one when left out"),
  }),
  z
    .strictObject({
      auth: z.literal("token").describe("The token of a service account"),
      server,
      ...authority,
      tokenFile: path.optional().describe("File with the token, read anew every minute"),
      tokenEnv: z.string().min(1).optional().describe("The dispatcher's variable that holds the token"),
    })
    .refine(({ tokenFile, tokenEnv }) => (tokenFile === undefined) !== (tokenEnv === undefined), {
      error: "it needs one of tokenFile and tokenEnv",
    }),
  z.strictObject({
    auth: z.literal("eks").describe("Amazon EKS, by AWS_ACCESS_KEY_ID and its like, as a Lambda has them"),
    server,
    ...authority,
    cluster: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/)
      .describe("Name of the EKS cluster"),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/)
      .describe("Its region, such as eu-central-1"),
  }),
]);
