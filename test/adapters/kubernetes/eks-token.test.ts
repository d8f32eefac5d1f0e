// The token for EKS: the query that STS expects, signed as AWS documents it (SigV4, query string), and used on every call.
import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createEksToken } from "../../../shared/adapters/pools/kubernetes/eks-token.ts";

const ENV = {
  AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret/example",
  AWS_SESSION_TOKEN: "s/t==",
};
const EKS = { cluster: "ci", region: "eu-central-1" };
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const MINUTE_MS = 60_000;

function urlOf(token: string): URL {
  expect(token).toMatch(/^k8s-aws-v1\.[A-Za-z0-9_-]+$/);
  return new URL(Buffer.from(token.slice("k8s-aws-v1.".length), "base64url").toString());
}

const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** "Create a signed AWS API request" of the IAM guide, written down once more. */
function signatureOf(url: URL, headers: { readonly [name: string]: string }): string {
  const query = [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join("&");
  const names = Object.keys(headers).sort((a, b) => (a < b ? -1 : 1));
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join("");
  const canonical = ["GET", "/", query, lines, names.join(";"), sha256("")].join("\n");
  const scope = "20260102/eu-central-1/sts/aws4_request";
  const text = ["AWS4-HMAC-SHA256", "20260102T030405Z", scope, sha256(canonical)].join("\n");
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${ENV.AWS_SECRET_ACCESS_KEY}`);
  return hmac(key, text).toString("hex");
}

describe("the token", () => {
  test("is a question to STS, signed for one cluster", async () => {
    const url = urlOf(await createEksToken(EKS, "gpu", ENV)(NOW));
    expect(url.origin + url.pathname).toBe("https://sts.eu-central-1.amazonaws.com/");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      Action: "GetCallerIdentity",
      Version: "2011-06-15",
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": "AKIDEXAMPLE/20260102/eu-central-1/sts/aws4_request",
      "X-Amz-Date": "20260102T030405Z",
      "X-Amz-Expires": "60",
      "X-Amz-Security-Token": ENV.AWS_SESSION_TOKEN,
      "X-Amz-SignedHeaders": "host;x-k8s-aws-id",
      "X-Amz-Signature": signatureOf(url, { host: url.host, "x-k8s-aws-id": "ci" }),
    });
    expect(url.searchParams.get("X-Amz-Signature")).not.toBe(
      signatureOf(url, { host: url.host, "x-k8s-aws-id": "other" }),
    );
  });

  test("is made anew before STS would refuse it", async () => {
    const token = createEksToken(EKS, "gpu", ENV);
    const first = await token(NOW);
    expect(await token(NOW + 10 * MINUTE_MS - 1)).toBe(first);
    expect(await token(NOW + 10 * MINUTE_MS)).not.toBe(first);
  });

  test("is China's own in China", async () => {
    const token = createEksToken({ cluster: "ci", region: "cn-north-1" }, "gpu", ENV);
    expect(urlOf(await token(NOW)).hostname).toBe("sts.cn-north-1.amazonaws.com.cn");
  });
});

test("without credentials it is told at the start, and what else there is", () => {
  expect(() => createEksToken(EKS, "gpu", { AWS_ACCESS_KEY_ID: "x" })).toThrow(
    /Pool gpu: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set\. .*aws eks get-token/,
  );
});
