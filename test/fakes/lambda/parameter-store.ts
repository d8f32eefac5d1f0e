// AWS Parameter Store's GetParameters on this machine, for secrets that take the same way as on AWS.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type ParameterStore = {
  readonly endpoint: string;
  /** Names asked for so far, with their path. */
  readonly asked: readonly string[];
  /** Calls that came, and those of them that were too many. */
  readonly calls: { readonly all: number; readonly throttled: number };
  /** Answers the next `times` calls with this status, and with AWS's name for it. */
  failNext(status: number, times: number, type?: string): void;
  stop(): Promise<void>;
};

/**
 * "Default throughput: 40 transactions per second (shared by GetParameter, GetParameters and GetParametersByPath)", for an
 * account and region (AWS General Reference, Systems Manager quotas). A call takes one, however many names it has; beyond
 * it the answer is 400 ThrottlingException "Rate exceeded"
 * (repost.aws/knowledge-center/ssm-parameter-store-rate-exceeded).
 */
const CALLS_PER_SECOND = 40;

/** `together`: the first so many calls are judged at the same instant, however long they take to come. */
export async function startParameterStore(
  parameters: { readonly [name: string]: string },
  { together = 1 } = {},
): Promise<ParameterStore> {
  const asked: string[] = [];
  const failing: Refusal[] = [];
  const calls = { all: 0, throttled: 0 };
  const admit = createBucket(CALLS_PER_SECOND);
  const gathered = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    calls.all++;
    if (calls.all === together) gathered.resolve();
    await gathered.promise;
    const refusal = failing.shift() ?? refusalOf(request.headers) ?? (admit() ? undefined : THROTTLED);
    if (refusal === THROTTLED) calls.throttled++;
    if (refusal !== undefined) {
      const { status, type } = refusal;
      response.writeHead(status).end(JSON.stringify({ __type: type }));
      return;
    }
    const { Names } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { Names: string[] };
    asked.push(...Names);
    const Parameters = Names.filter((name) => parameters[name] !== undefined).map((Name) => ({
      Name,
      Value: parameters[Name],
    }));
    const InvalidParameters = Names.filter((name) => parameters[name] === undefined);
    response.writeHead(200).end(JSON.stringify({ Parameters, InvalidParameters }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    calls,
    failNext: (status, times, type = "InternalServerError") => {
      failing.push(...Array.from({ length: times }, () => ({ status, type })));
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

type Refusal = { readonly status: number; readonly type: string };

const THROTTLED: Refusal = { status: 400, type: "ThrottlingException" };

function refusalOf(headers: { readonly [name: string]: string | string[] | undefined }): Refusal | undefined {
  const { authorization, "x-amz-target": target } = headers;
  if (target !== "AmazonSSM.GetParameters") return { status: 400, type: "UnknownOperationException" };
  if (String(authorization).includes("/ssm/aws4_request")) return undefined;
  return { status: 400, type: "UnrecognizedClientException" };
}

/** A second's worth at once, and then as they come in. */
function createBucket(perSecond: number): () => boolean {
  let left = perSecond;
  let at = performance.now();
  return () => {
    const now = performance.now();
    left = Math.min(perSecond, left + ((now - at) / 1_000) * perSecond);
    at = now;
    if (left < 1) return false;
    left--;
    return true;
  };
}
