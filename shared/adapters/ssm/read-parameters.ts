// Reads secrets from AWS's Parameter Store in one signed call, without the SDK: it is on the webhook's cold start.
import { createHttpPost } from "../dynamodb/http-post.ts";
import { type AwsCredentials, createSigner } from "../dynamodb/sign.ts";

export type ParameterOptions = {
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** Of a compatible server; undefined: AWS. */
  readonly endpoint?: string | undefined;
  readonly now?: (() => number) | undefined;
};

/** Under Lambda's own time-out of a webhook call, with room to answer. */
const TIMEOUT_MS = 3_000;
/** GetParameters takes no more. */
const MAX_NAMES = 10;

/**
 * The decrypted values of `<path>/<name>`, by name; one that does not exist is left out. Throws when Parameter Store
 * refuses or does not answer; no value is ever part of a message.
 */
export async function readParameters(
  options: ParameterOptions,
  path: string,
  names: readonly string[],
): Promise<{ readonly [name: string]: string }> {
  if (names.length > MAX_NAMES)
    throw new RangeError(`${names.length} parameters asked for, at most ${MAX_NAMES}`);
  const url = new URL(options.endpoint ?? `https://ssm.${options.region}.amazonaws.com`);
  const body = JSON.stringify({ Names: names.map((name) => `${path}/${name}`), WithDecryption: true });
  const sign = createSigner({ ...options, service: "ssm" });
  const headers = {
    host: url.host,
    "content-type": "application/x-amz-json-1.1",
    "content-length": String(Buffer.byteLength(body)),
    "x-amz-target": "AmazonSSM.GetParameters",
  };
  const { protocol, hostname, pathname } = url;
  const request = { method: "POST", protocol, hostname, path: pathname, headers, body };
  const signed = await sign(request, (options.now ?? Date.now)());
  const http = createHttpPost(url);
  try {
    const answer = await http.post(signed, body, TIMEOUT_MS);
    if (answer.status !== 200) throw new Error(`it answered ${answer.status} ${typeOf(answer.body)}`);
    return valuesOf(answer.body, path);
  } catch (cause) {
    throw new Error(
      `The secrets under ${path} could not be read from Parameter Store. Check the path, and that the function's role may ssm:GetParameters there.`,
      { cause },
    );
  } finally {
    http.close();
  }
}

type Answer = { readonly Parameters?: readonly { readonly Name?: string; readonly Value?: string }[] };

function valuesOf(body: string, path: string): { [name: string]: string } {
  const { Parameters = [] } = JSON.parse(body) as Answer;
  return Object.fromEntries(
    Parameters.flatMap(({ Name, Value }) =>
      Name === undefined || Value === undefined ? [] : [[Name.slice(path.length + 1), Value]],
    ),
  );
}

/** AWS's name for the refusal; the rest of the body may repeat what was sent. */
function typeOf(body: string): string {
  return /"__type":"([\w.#]+)"/.exec(body)?.[1] ?? "";
}
