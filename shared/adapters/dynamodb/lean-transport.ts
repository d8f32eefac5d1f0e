// DynamoDB calls without the SDK, for the webhook: bundled, 30 kB and some 10 ms to load instead of 350 kB and some 60.

import { setTimeout as timer } from "node:timers/promises";
import type { Random } from "../../ports/random.ts";
import { awsHost } from "../network/aws-host.ts";
import { type DynamoCall, DynamoFault, type DynamoOutput, type DynamoTransport, mayPass } from "./call.ts";
import { createHttpPost, type HttpAnswer } from "./http-post.ts";
import { type AwsCredentials, createSigner, type Sign } from "./sign.ts";

export type LeanTransportOptions = {
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly random: Pick<Random, "fraction">;
  /** Of a compatible server; undefined: AWS. */
  readonly endpoint?: string | undefined;
  /** Of one attempt. With its retries a call ends within GitHub's 10 s for a delivery. */
  readonly timeoutMs?: number | undefined;
  readonly now?: (() => number) | undefined;
  /** The time that the server tells with each of its answers. */
  readonly onDate?: ((date: string | undefined) => void) | undefined;
  readonly sleep?: ((ms: number) => Promise<unknown>) | undefined;
};

const RETRIES = 3;
const TIMEOUT_MS = 2_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

export function createLeanTransport(options: LeanTransportOptions): DynamoTransport {
  const { random, timeoutMs = TIMEOUT_MS, now = Date.now, sleep = timer } = options;
  const url = new URL(options.endpoint ?? `https://${awsHost("dynamodb", options.region)}`);
  const http = createHttpPost(url);
  const sign = createSigner({ ...options, service: "dynamodb" });
  return { call, close: () => http.close() };

  async function call(...[operation, input]: Parameters<DynamoCall>): Promise<DynamoOutput> {
    const body = JSON.stringify(input);
    let doubt = false;
    for (let attempt = 0; ; attempt++) {
      const answer = await send(operation, body);
      if (!(answer instanceof DynamoFault)) return answer;
      doubt ||= answer.effectUnknown;
      if (!answer.retryable || attempt === RETRIES) throw withDoubt(answer, doubt);
      // Full jitter: a burst of deliveries that was throttled together does not come back together.
      await sleep(random.fraction() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
    }
  }

  async function send(operation: string, body: string): Promise<DynamoOutput | DynamoFault> {
    const headers = await signedHeaders(sign, url, operation, body, now());
    try {
      const answer = await http.post(headers, body, timeoutMs);
      options.onDate?.(answer.date);
      return outcomeOf(answer);
    } catch (error) {
      return networkFault(error);
    }
  }
}

function signedHeaders(sign: Sign, url: URL, operation: string, body: string, at: number) {
  const headers = {
    host: url.host,
    "content-type": "application/x-amz-json-1.0",
    "content-length": String(Buffer.byteLength(body)),
    "x-amz-target": `DynamoDB_20120810.${operation}`,
  };
  const { protocol, hostname, pathname: path } = url;
  return sign({ method: "POST", protocol, hostname, path, headers, body }, at);
}

function outcomeOf(answer: HttpAnswer): DynamoOutput | DynamoFault {
  const body = parse(answer.body);
  if (answer.status === 200 && body !== undefined) return body as DynamoOutput;
  const code = codeOf(body, answer.status);
  const text = body?.message ?? body?.Message ?? `HTTP status ${answer.status}`;
  const broken = answer.status === 200;
  return new DynamoFault(code, String(text), {
    retryable: broken || mayPass(code, answer.status),
    effectUnknown: broken || answer.status >= 500,
  });
}

type ErrorBody = { readonly __type?: unknown; readonly message?: unknown; readonly Message?: unknown };

/** `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException` to its last part. */
function codeOf(body: ErrorBody | undefined, status: number): string {
  const type = body?.__type;
  return typeof type === "string" ? type.slice(type.lastIndexOf("#") + 1) : `Http${status}`;
}

/** undefined: not a JSON object, as when a proxy answers in DynamoDB's place. */
function parse(text: string): ErrorBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function networkFault(error: unknown): DynamoFault {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return new DynamoFault(typeof code === "string" ? code : "NetworkError", String(message), {
    retryable: true,
    effectUnknown: true,
    cause: error,
  });
}

function withDoubt(fault: DynamoFault, doubt: boolean): DynamoFault {
  if (fault.effectUnknown === doubt) return fault;
  const { code, message, retryable } = fault;
  return new DynamoFault(code, message, { retryable, effectUnknown: doubt, cause: fault });
}
