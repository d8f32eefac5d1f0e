// The lean transport's signatures: against AWS's published vectors, against the SDK's signer, and as sent.
import { expect, test } from "vitest";
import { createLeanTransport } from "../../../shared/adapters/dynamodb/lean-transport.ts";
import { createSdkTransport } from "../../../shared/adapters/dynamodb/sdk-transport.ts";
import { createSigner, type SignableRequest } from "../../../shared/adapters/dynamodb/sign.ts";
import { type Heard, startRecorder } from "../../fakes/recorder.ts";

/** The credentials, date, region and service of AWS's SigV4 test suite. */
const CREDENTIALS = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const AT = Date.UTC(2015, 7, 30, 12, 36, 0);
const DAY_MS = 24 * 3_600_000;
const SESSION_TOKEN =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const BASE = { protocol: "https:", hostname: "example.amazonaws.com", path: "/" };
const HOST = { host: "example.amazonaws.com" };

type Vector = {
  readonly name: string;
  readonly request: SignableRequest;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly sessionToken?: string;
};

const VECTORS: readonly Vector[] = [
  {
    name: "get-vanilla",
    request: { ...BASE, method: "GET", headers: HOST },
    signedHeaders: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "get-vanilla-query-order-key-case",
    request: { ...BASE, method: "GET", headers: HOST, query: { Param2: "value2", Param1: "value1" } },
    signedHeaders: "host;x-amz-date",
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "post-vanilla",
    request: { ...BASE, method: "POST", headers: HOST },
    signedHeaders: "host;x-amz-date",
    signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  },
  {
    name: "post-header-key-sort",
    request: { ...BASE, method: "POST", headers: { ...HOST, "My-Header1": "value1" } },
    signedHeaders: "host;my-header1;x-amz-date",
    signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
  },
  {
    name: "post-x-www-form-urlencoded",
    request: {
      ...BASE,
      method: "POST",
      headers: { ...HOST, "content-type": "application/x-www-form-urlencoded" },
      body: "Param1=value1",
    },
    signedHeaders: "content-type;host;x-amz-date",
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  },
  {
    name: "post-sts-header-before",
    request: { ...BASE, method: "POST", headers: HOST },
    sessionToken: SESSION_TOKEN,
    signedHeaders: "host;x-amz-date;x-amz-security-token",
    signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
  },
];

test.each(VECTORS)("AWS's vector $name", async ({ request, signedHeaders, signature, sessionToken }) => {
  const sign = createSigner({
    region: "us-east-1",
    service: "service",
    credentials: { ...CREDENTIALS, sessionToken },
  });
  expect((await sign(request, AT)).authorization).toBe(
    `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ` +
      `SignedHeaders=${signedHeaders}, Signature=${signature}`,
  );
});

test("a signer of many days and requests signs each as a fresh one does", async () => {
  const options = { region: "us-east-1", service: "service", credentials: CREDENTIALS };
  const sign = createSigner(options);
  for (const at of [AT, AT + 1_000, AT + DAY_MS, AT]) {
    for (const body of ["a", "b"]) {
      const request = { ...BASE, method: "POST", headers: HOST, body };
      expect(await sign(request, at)).toEqual(await createSigner(options)(request, at));
    }
  }
});

test("what the SDK sends, our signer signs alike", async () => {
  const recorder = await startRecorder(() => ({ status: 200, body: "{}" }));
  const transport = createSdkTransport({
    region: "eu-west-1",
    endpoint: recorder.endpoint,
    credentials: CREDENTIALS,
  });
  await transport.call("GetItem", { TableName: "t", Key: { pk: { S: "job#昇腾" } } });
  transport.close();
  await recorder.stop();
  const [heard] = recorder.heard;
  expect(await signatureWeWouldGive(heard!, undefined)).toBe(heard!.headers.authorization);
});

test("what the lean transport sends carries the signature of exactly that", async () => {
  const recorder = await startRecorder(() => ({ status: 200, body: "{}" }));
  const transport = createLeanTransport({
    region: "eu-west-1",
    endpoint: recorder.endpoint,
    credentials: { ...CREDENTIALS, sessionToken: SESSION_TOKEN },
    random: { fraction: () => 0 },
    now: () => AT,
  });
  await transport.call("PutItem", { TableName: "t", Item: { pk: { S: "job#昇腾" } } });
  transport.close();
  await recorder.stop();
  const [heard] = recorder.heard;
  expect(heard).toMatchObject({
    method: "POST",
    path: "/",
    body: '{"TableName":"t","Item":{"pk":{"S":"job#昇腾"}}}',
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-date": "20150830T123600Z",
      "x-amz-security-token": SESSION_TOKEN,
      "x-amz-target": "DynamoDB_20120810.PutItem",
    },
  });
  expect(heard!.headers.authorization).toContain("content-length;content-type;host;x-amz-date");
  expect(await signatureWeWouldGive(heard!, SESSION_TOKEN)).toBe(heard!.headers.authorization);
  const tampered = { ...heard!, body: heard!.body.replace("昇", "降") };
  expect(await signatureWeWouldGive(tampered, SESSION_TOKEN)).not.toBe(heard!.headers.authorization);
});

/** Signs the headers that a request says are signed, at the time that it says. */
async function signatureWeWouldGive(
  heard: Heard,
  sessionToken: string | undefined,
): Promise<string | undefined> {
  const names = /SignedHeaders=([^,]+)/.exec(heard.headers.authorization ?? "")?.[1]?.split(";") ?? [];
  const headers = Object.fromEntries(names.map((name) => [name, heard.headers[name] ?? ""]));
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(heard.headers["x-amz-date"] ?? "")?.map(Number) ?? [];
  const at = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  const sign = createSigner({
    region: "eu-west-1",
    service: "dynamodb",
    credentials: { ...CREDENTIALS, sessionToken },
  });
  const { method, path, body } = heard;
  const signed = await sign({ method, protocol: "http:", hostname: "127.0.0.1", path, headers, body }, at);
  return signed.authorization;
}
