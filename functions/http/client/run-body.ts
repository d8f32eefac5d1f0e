// The body of /run and /runsync, known to be JSON: checked, and parsed as far as it is small.
import { isUtf8 } from "node:buffer";
import { SMALL_JSON_BYTES } from "../../../shared/domain/job/payload.ts";
import { memberOf } from "../../../shared/domain/json-members.ts";
import type { JsonShape, Span } from "../../../shared/domain/scan-json.ts";
import type { RunRequest } from "../../../shared/protocol/client-plane.ts";
import { MAX_S3_CONFIG_BYTES, runRequest } from "../../../shared/protocol/client-plane.ts";
import type { Body } from "../body/read-body.ts";

export type RunBody =
  | { readonly type: "parsed"; readonly body: RunRequest; readonly rawHash: string }
  /** A sentence without a word of the body. */
  | { readonly type: "invalid"; readonly message: string };

type TakenBody = Pick<Body, "bytes" | "shape" | "hash">;

/** All but the input is small: an input above `SMALL_JSON_BYTES` is not parsed, and comes as its bytes. */
export function parseRunBody({ bytes, shape, hash }: TakenBody): RunBody {
  if (!isUtf8(bytes)) return invalid("the body is not UTF-8, which JSON is");
  const members =
    bytes.length <= SMALL_JSON_BYTES || !shape.isObject ? parsed(bytes) : membersOf(bytes, shape);
  const request = runRequest.safeParse(withoutNulls(members));
  if (!request.success) return invalid(faultOf(request.error.issues[0]));
  return { type: "parsed", body: request.data, rawHash: hash };
}

function membersOf(bytes: Uint8Array, shape: JsonShape): object {
  const found = NAMES.map((name) => [name, memberOf(bytes, shape, name)] as const);
  return Object.fromEntries(
    found.flatMap(([name, span]) => (span === undefined ? [] : [[name, memberAt(bytes, name, span)]])),
  );
}

/** One that is too large to be right is not parsed either: no schema takes its bytes. */
function memberAt(bytes: Uint8Array, name: string, span: Span): unknown {
  const text = bytes.subarray(span.from, span.to);
  if (text.length > SMALL_JSON_BYTES) return name === "input" ? text : OVERSIZED;
  return parsed(text);
}

const NAMES = ["input", "webhook", "webhookV2", "policy", "s3Config"] as const;
const OVERSIZED = Symbol("too large");
const DECODER = new TextDecoder();

function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(DECODER.decode(bytes));
}

/** Clients send what they were not given as null, or as an empty text. An input is an input, whatever it is. */
function withoutNulls(json: unknown): unknown {
  if (!isObject(json)) return json;
  const given = Object.entries(json).filter(([key, value]) => key === "input" || !isNothing(value));
  const members = Object.fromEntries(given);
  const { policy } = members;
  if (!isObject(policy)) return members;
  const rules = Object.entries(policy).filter(([, value]) => !isNothing(value));
  return { ...members, policy: Object.fromEntries(rules) };
}

function isNothing(value: unknown): boolean {
  return value === null || value === "";
}

function isObject(json: unknown): json is { readonly [name: string]: unknown } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
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

function invalid(message: string): RunBody {
  return { type: "invalid", message };
}
