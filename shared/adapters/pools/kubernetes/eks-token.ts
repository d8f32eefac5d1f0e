// A token for an EKS cluster without the AWS command line: a signed question "who am I" that the cluster asks STS for us.

import { type AwsCredentials, createPresigner } from "../../dynamodb/sign.ts";
import { awsHost } from "../../network/aws-host.ts";

type Env = { readonly [name: string]: string | undefined };

export type EksAccess = { readonly cluster: string; readonly region: string };

/** STS takes the question for 15 min, whatever it says; `aws eks get-token` says 60 s. */
const EXPIRES_S = 60;
/** Made anew well before those 15 min are over. */
const FRESH_MS = 10 * 60_000;

/**
 * Throws, with what to do, when the environment has no credentials. Each call answers a token that is valid for 5 min at
 * least.
 */
export function createEksToken(
  { cluster, region }: EksAccess,
  pool: string,
  env: Env,
): (now: number) => Promise<string> {
  const credentials = credentialsIn(env, pool);
  const presign = createPresigner({ region, service: "sts", credentials });
  const hostname = awsHost("sts", region);
  let last: { readonly at: number; readonly token: string } | undefined;

  return async (now) => {
    if (last !== undefined && now - last.at < FRESH_MS) return last.token;
    const request = {
      method: "GET",
      protocol: "https:",
      hostname,
      path: "/",
      query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
      // The cluster's name is signed too: a token for one cluster is worth nothing at another.
      headers: { host: hostname, "x-k8s-aws-id": cluster },
    };
    const query = new URLSearchParams(await presign(request, now, EXPIRES_S));
    const url = `https://${hostname}/?${query.toString()}`;
    last = { at: now, token: `k8s-aws-v1.${Buffer.from(url).toString("base64url")}` };
    return last.token;
  };
}

/** As a Lambda has them. Where they come by another way (EC2, ECS, SSO), a kubeconfig with `aws eks get-token` knows it. */
function credentialsIn(env: Env, pool: string): AwsCredentials {
  const accessKeyId = env["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = env["AWS_SECRET_ACCESS_KEY"];
  if (!accessKeyId || !secretAccessKey) {
    throw new Error(
      `Pool ${pool}: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set. Set them, or use auth: kubeconfig with aws eks get-token.`,
    );
  }
  return { accessKeyId, secretAccessKey, sessionToken: env["AWS_SESSION_TOKEN"] };
}
