// A small HTTP server that answers as scripted and keeps what it was asked; and an adapter that talks to it.
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createGithub, type GithubAdapter, type GithubDeps } from "../../../shared/adapters/github/github.ts";
import type { LogFields } from "../../../shared/ports/log.ts";
import { redact } from "../../../shared/redacted.ts";

export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
};
export type Answer = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Close the connection instead. */
  readonly hangUp?: boolean;
  /** Send headers and half a body, then nothing. */
  readonly stall?: boolean;
};
/** `METHOD /path` without query → answers in turn, the last one for ever. */
export type Script = { readonly [route: string]: Answer | readonly Answer[] | ((asked: Asked) => Answer) };

export const APP_KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const PEM = APP_KEYS.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
export const START = Date.UTC(2026, 10, 21);
export const INSTALLATION_TOKEN = "ghs_123_eyJhbGciOiJIUzI1NiJ9.eyJpbnN0YWxsYXRpb24iOjd9.c2lnbmF0dXJl";

export type Bench = {
  readonly github: GithubAdapter;
  readonly asked: Asked[];
  /** `METHOD /path` of every request. */
  routes(): string[];
  readonly warnings: { readonly event: string; readonly fields: LogFields | undefined }[];
  readonly clock: { now(): number; advance(ms: number): void };
  readonly url: string;
  close(): Promise<void>;
};

export async function startBench(script: Script, overrides: Partial<GithubDeps> = {}): Promise<Bench> {
  const asked: Asked[] = [];
  const turns = new Map<string, number>();
  let now = START;
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const [path = ""] = (request.url ?? "").split("?");
      const { method = "", headers, url = "" } = request;
      const entry: Asked = { method, path: url, headers, body };
      asked.push(entry);
      // GitHub's clock, unless a script says otherwise.
      response.setHeader("date", new Date(now).toUTCString());
      reply(response, answerOf(script, turns, `${method} ${decodeURIComponent(path)}`, entry));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clock = {
    now: () => now,
    advance: (ms: number) => {
      now += ms;
    },
  };
  const warnings: Bench["warnings"][number][] = [];
  const quiet = () => undefined;
  let tokens = 0;
  const github = createGithub({
    app: { appId: "42", privateKey: redact(PEM) },
    apiUrl: url,
    clock,
    random: { token: (length) => String(++tokens).padStart(length, "r"), fraction: () => 0 },
    log: {
      debug: quiet,
      info: quiet,
      error: quiet,
      warn: (event, fields) => warnings.push({ event, fields }),
    },
    pause: async () => undefined,
    ...overrides,
  });
  return {
    github,
    asked,
    routes: () =>
      asked.map((entry) => `${entry.method} ${decodeURIComponent(entry.path.split("?")[0] ?? "")}`),
    warnings,
    clock,
    url,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Mints a token for any installation; what most scripts start from. */
export function mints(installationId: number): Script {
  const token = { token: INSTALLATION_TOKEN, expires_at: new Date(START + 3_600_000).toISOString() };
  return {
    [`POST /app/installations/${installationId}/access_tokens`]: {
      status: 201,
      body: { ...token, permissions: { actions: "read" }, repository_selection: "all" },
    },
  };
}

function answerOf(script: Script, turns: Map<string, number>, route: string, asked: Asked): Answer {
  const found = script[route];
  if (found === undefined) return { status: 404, body: { message: "Not Found" } };
  if (typeof found === "function") return found(asked);
  const answers = Array.isArray(found) ? (found as readonly Answer[]) : [found as Answer];
  const turn = turns.get(route) ?? 0;
  turns.set(route, turn + 1);
  return answers[Math.min(turn, answers.length - 1)] as Answer;
}

async function read(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? undefined : JSON.parse(text);
}

function reply(response: ServerResponse, answer: Answer): void {
  if (answer.hangUp) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, { "content-type": "application/json; charset=utf-8", ...answer.headers });
  if (answer.stall) {
    response.write('{"id":');
    return;
  }
  if (answer.body === undefined) response.end();
  else response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
}
