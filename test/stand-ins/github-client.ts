// Speaks to the GitHub stand-in as a client would: App JWT, installation token, and a runner without a process.
import { createPrivateKey, randomUUID, sign } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { GithubStandIn } from "../fakes/github/stand-in.ts";

// biome-ignore lint/suspicious/noExplicitAny: what an answer has is what the expectations on it say
export type Json = any;

export type Answered = { readonly status: number; readonly headers: Headers; readonly body: Json };

export async function ask(
  github: GithubStandIn,
  method: string,
  path: string,
  options: { readonly token?: string; readonly body?: unknown } = {},
): Promise<Answered> {
  const url = path.startsWith("http") ? path : github.apiUrl + path;
  const response = await fetch(url, {
    method,
    headers: options.token === undefined ? {} : { authorization: `Bearer ${options.token}` },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

/** @param claims replace the right ones */
export function appJwt(
  { appId, privateKey }: GithubStandIn,
  nowMs: number,
  claims: Readonly<Record<string, unknown>> = {},
): string {
  const now = Math.floor(nowMs / 1_000);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const payload = { iat: now - 30, exp: now + 570, iss: appId, jti: randomUUID(), ...claims };
  const signed = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(payload)}`;
  const signature = sign("RSA-SHA256", Buffer.from(signed), createPrivateKey(privateKey)).toString(
    "base64url",
  );
  return `${signed}.${signature}`;
}

/** @returns an installation token */
export async function mint(
  github: GithubStandIn,
  installationId: number | undefined,
  nowMs = Date.now(),
): Promise<string> {
  const path = `/app/installations/${installationId}/access_tokens`;
  const { status, body } = await ask(github, "POST", path, { token: appJwt(github, nowMs) });
  if (status !== 201) throw new Error(`No token: ${status} ${JSON.stringify(body)}`);
  return body.token;
}

export type IdleRunner = {
  readonly credential: string;
  /** The next message, or undefined when none comes within the long poll. */
  poll(): Promise<{ readonly type: string; readonly jobId: number } | undefined>;
  post(path: string, body?: unknown): Promise<Answered>;
};

/** Opens the session of a JIT configuration as a runner does. */
export async function connectJit(github: GithubStandIn, encodedJitConfig: string): Promise<IdleRunner> {
  const files = JSON.parse(Buffer.from(encodedJitConfig, "base64").toString());
  const { data } = JSON.parse(Buffer.from(files[".credentials"], "base64").toString());
  const token: string = data.clientId;
  const post = (path: string, body: unknown = {}) =>
    ask(github, "POST", `/_stand-in/${path}`, { token, body });
  const session = await post("session", { version: "2.336.0" });
  if (session.status !== 200) throw new Error(`No session: ${session.status}`);
  return {
    credential: token,
    post,
    async poll() {
      const { status, body } = await ask(github, "GET", "/_stand-in/message", { token });
      return status === 200 && body.type !== undefined ? body : undefined;
    },
  };
}

type Received = { readonly headers: IncomingHttpHeaders; readonly text: string; readonly body: Json };
export type WebhookReceiver = {
  readonly url: string;
  readonly received: Received[];
  stop(): Promise<void>;
};

/** @param statusOf the answer to the n-th delivery, 200 otherwise; `undefined` never answers */
export async function receiveWebhooks(
  statusOf: (count: number) => number | undefined = () => 200,
): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    received.push({ headers: incoming.headers, text, body: JSON.parse(text) });
    const status = statusOf(received.length);
    if (status !== undefined) outgoing.writeHead(status).end("thanks");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    received,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
