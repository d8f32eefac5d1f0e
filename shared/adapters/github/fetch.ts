// HTTP to GitHub: through the proxy of the environment, bounded in time, one more try where that is harmless.
import {
  Agent,
  type Dispatcher,
  EnvHttpProxyAgent,
  type RequestInit,
  Response,
  fetch as undiciFetch,
} from "undici";
import type { Random } from "../../ports/random.ts";
import { boundedText } from "../network/bounded-text.ts";
import { createKeptDispatcher } from "../network/kept-dispatcher.ts";

/** GitHub's own limit for an API request is 10 s, after which it answers 5xx. */
const CALL_TIMEOUT_MS = 10_000;
/** 100 workflow runs or deliveries, the longest page that is asked for, are below 2 MB. */
const MAX_ANSWER_BYTES = 10_000_000;
const PAUSE_MIN_MS = 200;
const PAUSE_SPREAD_MS = 400;
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

export type GithubFetch = (url: string, init: RequestInit) => Promise<Response>;

export type FetchDeps = {
  /** undici's with the proxies of HTTP_PROXY, HTTPS_PROXY and NO_PROXY unless given. */
  readonly fetch?: GithubFetch;
  readonly random: Pick<Random, "fraction">;
  readonly timeoutMs?: number;
  readonly pause: (ms: number) => Promise<void>;
};

/** Reads the whole answer within the time-out, so that a stalled body fails like a stalled connection. */
export function createGithubFetch(deps: FetchDeps): GithubFetch {
  const fetch = deps.fetch ?? proxyFetch();
  const timeoutMs = deps.timeoutMs ?? CALL_TIMEOUT_MS;

  const once: GithubFetch = async (url, init) => {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const body = await boundedText(response, MAX_ANSWER_BYTES);
    const { status, statusText, headers } = response;
    return new Response(NO_BODY.has(status) ? null : body, { status, statusText, headers });
  };

  return async (url, init) => {
    if (!isRepeatable(init.method ?? "GET", url)) return await once(url, init);
    const first = await settle(once(url, init));
    if (!isWorthAnotherTry(first)) return unsettle(first);
    await deps.pause(PAUSE_MIN_MS + PAUSE_SPREAD_MS * deps.random.fraction());
    return await once(url, init);
  };
}

/** Never through a proxy to this machine itself, though few people put it into NO_PROXY. */
function proxyFetch(): GithubFetch {
  const direct = createKeptDispatcher(() => new Agent());
  const proxied = createKeptDispatcher(() => new EnvHttpProxyAgent());
  return (url, init) => {
    const send = (dispatcher: Dispatcher) => undiciFetch(url, { ...init, dispatcher });
    const client = isLoopback(url) ? direct : proxied;
    return isRepeatable(init.method ?? "GET", url) ? client.run(send) : client.runAlone(send);
  };
}

function isLoopback(url: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
}

/** A second token is harmless, a second JIT configuration is a runner nobody asked for (runs-on#33, ubicloud#692). */
function isRepeatable(method: string, url: string): boolean {
  return method !== "POST" || /\/(registration-token|access_tokens)$/.test(url);
}

type Settled = { readonly response: Response } | { readonly error: unknown };

async function settle(promise: Promise<Response>): Promise<Settled> {
  try {
    return { response: await promise };
  } catch (error) {
    return { error };
  }
}

function unsettle(settled: Settled): Response {
  if ("error" in settled) throw settled.error;
  return settled.response;
}

/** Not after a time-out: the caller has waited long enough. Not when GitHub said when to come back. */
function isWorthAnotherTry(settled: Settled): boolean {
  if ("error" in settled) return !isTimeout(settled.error);
  return settled.response.status >= 500 && !settled.response.headers.has("retry-after");
}

/** An aborted connection arrives as a TypeError whose cause is the time-out. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /^(Timeout|ConnectTimeout|HeadersTimeout|BodyTimeout)Error$/.test(error.name) || isTimeout(error.cause)
  );
}
