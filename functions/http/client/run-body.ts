// The body of /run and /runsync: parsed, checked, and hashed as it came.
import { createHash } from "node:crypto";
import type { RunRequest } from "../../../shared/protocol/client-plane.ts";
import { MAX_S3_CONFIG_BYTES, runRequest } from "../../../shared/protocol/client-plane.ts";

export type RunBody =
  | { readonly type: "parsed"; readonly body: RunRequest; readonly rawHash: string }
  /** A sentence without a word of the body. */
  | { readonly type: "invalid"; readonly message: string };

/** JSON.stringify overflows the stack at some 5,000 levels; no input of any use has so many. */
const MAX_DEPTH = 500;

export function parseRunBody(text: string): RunBody {
  if (depthOf(text) > MAX_DEPTH) return invalid(`the body is nested deeper than ${MAX_DEPTH} levels`);
  const json = parseJson(text);
  if (json === undefined) return invalid('the body is not JSON; send {"input": …}');
  const parsed = runRequest.safeParse(withoutNulls(json));
  if (!parsed.success) return invalid(faultOf(parsed.error.issues[0]));
  return { type: "parsed", body: parsed.data, rawHash: createHash("sha256").update(text).digest("hex") };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Its message quotes the body, which may hold a secret.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Clients in Python send what they were not given as null. A null input is an input. */
function withoutNulls(json: unknown): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  return Object.fromEntries(Object.entries(json).filter(([key, value]) => key === "input" || value !== null));
}

type Issue = {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly minimum?: unknown;
  readonly maximum?: unknown;
};

const KINDS: { readonly [path: string]: string } = {
  "": "the body must be an object with an input",
  input: 'the body needs an "input"; send {"input": {}} when there is none',
  webhook: "webhook must be an http or https URL of at most 2048 characters",
  webhookV2: "webhookV2 must be an http or https URL of at most 2048 characters",
  policy: "policy must be an object with executionTimeout, ttl or lowPriority",
  "policy.lowPriority": "policy.lowPriority must be true or false",
  s3Config: `s3Config must be an object of at most ${MAX_S3_CONFIG_BYTES} bytes of JSON`,
};

/** Paths are names of the schema: nothing of the body is in them. */
function faultOf(issue: Issue | undefined): string {
  const path = issue?.path.join(".") ?? "";
  if (issue?.code === "too_small") return `${path} must be at least ${issue.minimum} ms`;
  if (issue?.code === "too_big" && KINDS[path] === undefined)
    return `${path} must be at most ${issue.maximum} ms`;
  return KINDS[path] ?? `${path} must be a whole number of milliseconds`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Of brackets outside of texts; what it says of a text that is not JSON does not matter. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (OPENING.has(code)) deepest = Math.max(deepest, ++depth);
    else if (CLOSING.has(code)) depth--;
  }
  return deepest;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) {
    at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  }
  return at;
}

function invalid(message: string): RunBody {
  return { type: "invalid", message };
}
