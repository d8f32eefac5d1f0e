// Calls to a Docker engine, or to Podman's compatible service, by its socket or by TLS.
import { readFileSync } from "node:fs";
import { Agent, request } from "undici";
import * as z from "zod/mini";
import type { EngineAddress } from "../settings.ts";
import { type EngineAnswer, parseJson } from "./engine-answer.ts";
import { EngineFault, engineFault } from "./engine-fault.ts";
import { chooseVersion } from "./engine-version.ts";

type EngineCall = {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the version: `/containers/json`. */
  readonly path: string;
  readonly query?: { readonly [name: string]: string };
  readonly json?: unknown;
  readonly headers?: { readonly [name: string]: string };
  /** On top of the usual time for an answer. */
  readonly extraMs?: number;
  /** Breaks off a stream. */
  readonly signal?: AbortSignal;
};

type EngineStream = { readonly status: number; readonly chunks: AsyncIterable<Uint8Array> };

/** Every HTTP status is an answer; without one an EngineFault is thrown. */
export type Engine = {
  readonly url: string;
  call(call: EngineCall): Promise<EngineAnswer>;
  /** For bodies that are long or never end. Fails when nothing came for `quietMs`. Read it to its end, or break. */
  stream(call: EngineCall, quietMs: number): Promise<EngineStream>;
};

/** A start with eight devices takes Docker about a second; a busy disk several. */
const ANSWER_MS = 15_000;
const CONNECT_MS = 5_000;

export function createEngine(address: EngineAddress, answerMs = ANSWER_MS): Engine {
  const { agent, origin } = connectTo(address);
  const { url } = address;
  let version: Promise<string> | undefined;

  return {
    url,

    async call(given) {
      return await ask(`/v${await known()}${given.path}`, given);
    },

    async stream(given, quietMs) {
      const path = `/v${await known()}${given.path}`;
      const quiet = watchQuiet(quietMs);
      try {
        const signal = given.signal ? AbortSignal.any([quiet.signal, given.signal]) : quiet.signal;
        const options = { ...optionsOf(given), dispatcher: agent, signal };
        const { statusCode, body } = await request(origin + path, options);
        quiet.heard();
        return { status: statusCode, chunks: chunksOf(body, quiet, url) };
      } catch (error) {
        quiet.end();
        throw engineFault(error, url);
      }
    },
  };

  async function ask(path: string, given: Omit<EngineCall, "path">) {
    try {
      const signal = AbortSignal.timeout(answerMs + (given.extraMs ?? 0));
      const options = { ...optionsOf(given), dispatcher: agent, signal };
      const { statusCode, headers, body } = await request(origin + path, options);
      return { status: statusCode, headers, text: await body.text() };
    } catch (error) {
      // Perhaps it is replaced by another one: ask for its version again.
      version = undefined;
      throw engineFault(error, url);
    }
  }

  function known(): Promise<string> {
    version ??= negotiate().catch((error: unknown) => {
      version = undefined;
      // The call itself is not made.
      throw error instanceof EngineFault ? new EngineFault(error, error.cause, true) : error;
    });
    return version;
  }

  async function negotiate(): Promise<string> {
    const { status, headers } = await ask("/_ping", { method: "GET" });
    const newest = String(headers["api-version"] ?? "");
    if (status !== 200 || !VERSION.test(newest)) {
      const message = `what listens at ${url} is no Docker engine (GET /_ping answered ${status}): check the pool's host`;
      throw new EngineFault({ kind: status >= 500 ? "unavailable" : "settings", message }, undefined);
    }
    return await chooseVersion(newest, async () => {
      // Not asked of Podman, which takes 0.9 s: it asks all its helpers for their versions.
      const { text } = await ask("/version", { method: "GET" });
      const parsed = versions.safeParse(parseJson(text));
      return parsed.success ? parsed.data.MinAPIVersion : newest;
    });
  }
}

const VERSION = /^\d+\.\d+$/;
const versions = z.object({ MinAPIVersion: z.string().check(z.regex(VERSION)) });

function optionsOf({ method, query, json, headers }: Omit<EngineCall, "path">) {
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  const type = json === undefined ? {} : { "content-type": "application/json" };
  return { method, ...(query && { query }), ...body, headers: { ...type, ...headers } };
}

function connectTo({ url, tls }: EngineAddress): { readonly agent: Agent; readonly origin: string } {
  // Our own signals bound the time: a stop may take its grace, a pull an hour.
  const limits = { headersTimeout: 0, bodyTimeout: 0 };
  if (url.startsWith("unix://")) {
    const connect = { socketPath: url.slice("unix://".length), timeout: CONNECT_MS };
    return { agent: new Agent({ ...limits, connect }), origin: "http://docker" };
  }
  const host = url.replace(/^[a-z]+:\/\//, "").replace(/\/+$/, "");
  const certificates = tls && {
    ca: readFileSync(tls.ca),
    cert: readFileSync(tls.cert),
    key: readFileSync(tls.key),
  };
  const connect = { timeout: CONNECT_MS, ...certificates };
  return { agent: new Agent({ ...limits, connect }), origin: `${tls ? "https" : "http"}://${host}` };
}

type Quiet = { readonly signal: AbortSignal; heard(): void; end(): void };

function watchQuiet(quietMs: number): Quiet {
  const controller = new AbortController();
  const stop = () => controller.abort(new DOMException(`no word for ${quietMs} ms`, "TimeoutError"));
  const timer = setTimeout(stop, quietMs);
  return { signal: controller.signal, heard: () => timer.refresh(), end: () => clearTimeout(timer) };
}

async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  quiet: Quiet,
  url: string,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      quiet.heard();
      yield chunk;
    }
  } catch (error) {
    throw engineFault(error, url);
  } finally {
    quiet.end();
  }
}
