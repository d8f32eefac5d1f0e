// POSTs a job's status to the URL its caller gave: signed, https and public addresses only, no redirects.
import { createHmac, hkdfSync } from "node:crypto";
import type { LookupAddress, LookupOptions } from "node:dns";
import { lookup as systemLookup } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { CALLBACK_TIMEOUT_MS } from "../../domain/deadlines.ts";
import type { CallbackOutcome, CallbackSender } from "../../ports/callback-sender.ts";
import type { Redacted } from "../../redacted.ts";
import { reveal } from "../../redacted.ts";
import { isPublicAddress } from "./public-address.ts";

const SIGNATURE_HEADER = "x-npu-dispatch-signature";

export type CallbackSenderOptions = {
  readonly secret: Redacted;
  /** Hosts, or `host:port`, that may be called whatever their address, and without TLS. */
  readonly allow: readonly string[];
  /** node:dns's own unless a test brings another. */
  readonly lookup?: typeof systemLookup | undefined;
  readonly timeoutMs?: number | undefined;
};

export function createCallbackSender(options: CallbackSenderOptions): CallbackSender {
  const { lookup = systemLookup, timeoutMs = CALLBACK_TIMEOUT_MS } = options;
  const key = callbackKey(options.secret);
  const allowed = new Set(options.allow.map((host) => host.toLowerCase()));
  return {
    refusal: (text) => refusalOf(parse(text), allowed),
    async send(text, body) {
      const url = parse(text);
      const refusal = refusalOf(url, allowed);
      if (url === undefined || refusal !== undefined) return failed(refusal ?? "it is not a URL");
      const free = isAllowed(url, allowed);
      return post(url, body, {
        timeoutMs,
        headers: { [SIGNATURE_HEADER]: signatureOf(key, body) },
        ...(free ? {} : { lookup: publicOnly(lookup) }),
      });
    },
  };
}

/** What a receiver computes the signature with: HKDF-SHA256 of DISPATCH_SECRET, info "npu-dispatch callback", 32 bytes. */
export function callbackKey(secret: Redacted): Buffer {
  return Buffer.from(hkdfSync("sha256", reveal(secret), "", "npu-dispatch callback", 32));
}

function signatureOf(key: Buffer, body: string): string {
  return `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function refusalOf(url: URL | undefined, allowed: ReadonlySet<string>): string | undefined {
  if (url === undefined) return "the webhook is not a URL";
  if (url.username !== "" || url.password !== "") return "the webhook has a user name in it; leave it out";
  if (isAllowed(url, allowed) && url.protocol === "http:") return undefined;
  if (url.protocol !== "https:") return "the webhook must be an https URL";
  if (isAllowed(url, allowed)) return undefined;
  const host = hostOf(url);
  return isIP(host) === 0 || isPublicAddress(host) ? undefined : NOT_PUBLIC;
}

const NOT_PUBLIC =
  "the webhook's host is not on the public internet; an operator may add it to callbacks.allow in dispatch.yaml";

function isAllowed(url: URL, allowed: ReadonlySet<string>): boolean {
  return allowed.has(url.host.toLowerCase()) || allowed.has(url.hostname.toLowerCase());
}

/** Without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

type Post = {
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly lookup?: typeof systemLookup;
};

function post(url: URL, body: string, { timeoutMs, headers, lookup }: Post): Promise<CallbackOutcome> {
  return new Promise((resolve) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const content = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    // A connection of its own: one from a pool was checked for another name, or not at all.
    const request = send(url, {
      method: "POST",
      agent: false,
      headers: { ...content, ...headers },
      ...(lookup === undefined ? {} : { lookup }),
    });
    const settle = (outcome: CallbackOutcome) => {
      clearTimeout(timer);
      resolve(outcome);
      request.destroy();
    };
    const timer = setTimeout(() => settle(failed(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on("error", (error) => settle(failed(error.message)));
    request.on("response", ({ statusCode }) => settle(judge(statusCode)));
    request.end(body);
  });
}

/** RunPod's rule. A redirect is not followed: it could lead anywhere. */
function judge(status: number | undefined): CallbackOutcome {
  return status === 200 ? { type: "delivered" } : failed(`it answered ${status ?? "nothing"}, not 200`);
}

function failed(message: string): CallbackOutcome {
  return { type: "failed", message };
}

/** The check is on the very addresses that the socket connects to: a name that changes in between gains nothing. */
function publicOnly(lookup: typeof systemLookup): typeof systemLookup {
  const checked = (host: string, options: LookupOptions, done: Done) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const open = addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = open;
      if (first === undefined) return done(new Error(NOT_PUBLIC), []);
      return options.all === true ? done(null, open) : done(null, first.address, first.family);
    });
  };
  return checked as typeof systemLookup;
}

type Done = (error: Error | null, address: string | LookupAddress[], family?: number) => void;
