// Reads secrets from AWS's Parameter Store in one signed call for ten, without the SDK: it is on the webhook's cold start.

import { setTimeout as timer } from "node:timers/promises";
import type { Random } from "../../ports/random.ts";
import { mayPass } from "../dynamodb/call.ts";
import { createHttpPost, type HttpPost } from "../dynamodb/http-post.ts";
import { type AwsCredentials, createSigner } from "../dynamodb/sign.ts";
import { awsHost } from "../network/aws-host.ts";

export type ParameterOptions = {
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly random: Pick<Random, "fraction">;
  /** Of a compatible server; undefined: AWS. */
  readonly endpoint?: string | undefined;
  readonly now?: (() => number) | undefined;
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined;
};

/** Of one try. AWS answers within some 10 ms. */
const TRY_MS = 2_000;
/** A webhook call has 10 s, GitHub's own time-out; the last try and the write of the delivery need the rest. */
const TRIES_MS = 6_000;
/**
 * Parameter Store counts by the second, for the account and region: who was too many at once comes back spread over one.
 */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 1_000;
/** GetParameters takes no more. */
const MAX_NAMES = 10;

/**
 * The decrypted values of `<path>/<name>`, by name; one that does not exist is left out. Tries again what may pass, then
 * throws with what to do; no value is ever part of a message.
 */
export async function readParameters(
  options: ParameterOptions,
  path: string,
  names: readonly string[],
): Promise<{ readonly [name: string]: string }> {
  const parts = await Promise.all(
    Array.from({ length: Math.ceil(names.length / MAX_NAMES) }, (_, at) =>
      readSome(options, path, names.slice(at * MAX_NAMES, (at + 1) * MAX_NAMES)),
    ),
  );
  return Object.assign({}, ...parts);
}

async function readSome(
  options: ParameterOptions,
  path: string,
  names: readonly string[],
): Promise<{ readonly [name: string]: string }> {
  const { now = Date.now, sleep = timer, random } = options;
  const body = JSON.stringify({ Names: names.map((name) => `${path}/${name}`), WithDecryption: true });
  const url = new URL(options.endpoint ?? `https://${awsHost("ssm", options.region)}`);
  const http = createHttpPost(url);
  const lastAt = now() + TRIES_MS;
  try {
    for (let tries = 1; ; tries++) {
      const outcome = await ask(http, await signed(options, url, body, now()), body);
      if ("parameters" in outcome) return valuesOf(outcome.parameters, path);
      // Full jitter: a burst of sandboxes that was throttled together does not come back together.
      const pause = random.fraction() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
      if (!mayPass(outcome.code, outcome.status) || now() + pause > lastAt) throw fault(path, outcome, tries);
      await sleep(pause);
    }
  } finally {
    http.close();
  }
}

type Parameters = readonly { readonly Name?: string; readonly Value?: string }[];

type Failure = {
  /** AWS's name for a refusal; the rest of its body may repeat what was sent. */
  readonly code: string;
  /** undefined: no answer, or not a whole one. */
  readonly status: number | undefined;
  readonly cause?: unknown;
};

async function ask(
  http: HttpPost,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<{ readonly parameters: Parameters } | Failure> {
  try {
    const answer = await http.post(headers, body, TRY_MS);
    if (answer.status !== 200) return { code: codeOf(answer.body), status: answer.status };
    const parameters = parametersIn(answer.body);
    return parameters === undefined ? { code: "", status: undefined } : { parameters };
  } catch (cause) {
    return { code: "", status: undefined, cause };
  }
}

function signed({ region, credentials }: ParameterOptions, url: URL, body: string, at: number) {
  const headers = {
    host: url.host,
    "content-type": "application/x-amz-json-1.1",
    "content-length": String(Buffer.byteLength(body)),
    "x-amz-target": "AmazonSSM.GetParameters",
  };
  const { protocol, hostname, pathname } = url;
  const request = { method: "POST", protocol, hostname, path: pathname, headers, body };
  return createSigner({ region, credentials, service: "ssm" })(request, at);
}

function fault(path: string, { code, status, cause }: Failure, tries: number): Error {
  const answered = new Error(
    status === undefined ? "no whole answer came" : `it answered ${status} ${code}`,
    {
      cause,
    },
  );
  return new Error(
    `The secrets under ${path} could not be read from Parameter Store in ${tries} tries. ${adviceOn(code, status)}`,
    { cause: answered },
  );
}

function adviceOn(code: string, status: number | undefined): string {
  if (code === "ThrottlingException")
    return "It throttles: it gives 40 calls a second to the whole account in a region. Turn on its higher throughput: docs/deploy.md.";
  if (mayPass(code, status)) return "The next event tries again.";
  return "Check the path, and that the function's role may ssm:GetParameters there.";
}

function valuesOf(parameters: Parameters, path: string): { [name: string]: string } {
  return Object.fromEntries(
    parameters.flatMap(({ Name, Value }) =>
      Name === undefined || Value === undefined ? [] : [[Name.slice(path.length + 1), Value]],
    ),
  );
}

/** undefined for what is no JSON; the parser's own words would quote it, and with it a secret. */
function parametersIn(body: string): Parameters | undefined {
  try {
    return (JSON.parse(body) as { readonly Parameters?: Parameters }).Parameters ?? [];
  } catch (_notJson) {
    return undefined;
  }
}

/** `com.amazonaws.ssm#ThrottlingException` to its last part. */
function codeOf(body: string): string {
  return /"__type":"(?:[\w.]+#)?(\w+)"/.exec(body)?.[1] ?? "";
}
