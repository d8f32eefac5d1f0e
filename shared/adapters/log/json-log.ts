// The log: one JSON object per line, allowed fields only, every text scrubbed. It never throws.
import type { Clock } from "../../ports/clock.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { type ErrorFields, errorFields } from "./error-fields.ts";
import { createScrubber, scrub } from "./scrub.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** A line stays readable, and under the 256 kB that CloudWatch takes: longer texts are cut after scrubbing. */
const MAX_TEXT = 4_000;
const MAX_LIST = 100;

export type JsonLogDeps = {
  /** Gets one line without its line break. */
  readonly write: (line: string) => void;
  readonly clock: Clock;
  /** Lines below it are dropped; `info` unless given. Stacks are written at `debug` only. */
  readonly level?: LogLevel;
  /** Asked for every line, so that secrets that come later are masked too. */
  readonly secrets?: () => Iterable<string>;
};

export function createJsonLog(deps: JsonLogDeps): Log {
  const least = LOG_LEVELS.indexOf(deps.level ?? "info");
  const tools: Tools = { ...deps, stack: deps.level === "debug", cleaner: createCleaner(deps.secrets) };
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) >= least) writeLine(tools, level, event, fields);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

type Clean = (text: string) => string;
type Tools = Pick<JsonLogDeps, "write" | "clock"> & {
  /** Stacks are written. */
  readonly stack: boolean;
  readonly cleaner: () => Clean;
};

type FieldKind = "text" | "number" | "texts" | "error";

/** The allow-list. `satisfies` keeps it in step with the port: a field added there must be named here. */
const FIELDS = {
  job: "text",
  worker: "text",
  pool: "text",
  endpoint: "text",
  tenant: "text",
  delivery: "text",
  githubEvent: "text",
  repository: "text",
  labels: "texts",
  phase: "text",
  state: "text",
  reason: "text",
  message: "text",
  status: "number",
  count: "number",
  ms: "number",
  cards: "number",
  url: "text",
  error: "error",
} as const satisfies { readonly [field in keyof Required<LogFields>]: FieldKind };
const ALLOWED = Object.entries(FIELDS) as [keyof LogFields, FieldKind][];

/** A log that throws turns a note about a fault into a second fault, so its own failures end here. */
function writeLine(tools: Tools, level: LogLevel, event: string, fields: LogFields | undefined): void {
  try {
    tools.write(lineOf(tools, level, event, fields));
  } catch (error) {
    writeFailure(tools, event, error);
  }
}

function writeFailure({ write }: Tools, event: string, error: unknown): void {
  try {
    const reason = error instanceof Error ? error.name : typeof error;
    write(JSON.stringify({ level: "error", event: "log-failed", message: scrub(event), reason }));
  } catch (_unwritable) {
    // The writer itself is broken (a closed pipe): there is nowhere left to say so.
  }
}

function lineOf(tools: Tools, level: LogLevel, event: string, fields: LogFields = {}): string {
  const clean = tools.cleaner();
  const line: Record<string, unknown> = {
    at: new Date(tools.clock.now()).toISOString(),
    level,
    event: clean(event),
  };
  for (const [field, kind] of ALLOWED) {
    const value = fields[field];
    if (value === undefined) continue;
    line[field] = cleanValue(kind, value, clean, tools.stack);
  }
  return JSON.stringify(line);
}

/** The secrets are asked for every line, and worked out anew only when there are others. */
function createCleaner(secrets: JsonLogDeps["secrets"] = () => []): () => Clean {
  let known: readonly string[] = [];
  let scrubKnown = createScrubber(known);
  const clean: Clean = (text) => cut(scrubKnown(text));
  return () => {
    const now = [...secrets()];
    if (now.length !== known.length || now.some((secret, place) => secret !== known[place])) {
      known = now;
      scrubKnown = createScrubber(now);
    }
    return clean;
  };
}

function cleanValue(kind: FieldKind, value: unknown, clean: Clean, stack: boolean): unknown {
  if (kind === "error") return cleanError(errorFields(value, { stack }), clean);
  if (kind === "number") return typeof value === "number" ? value : undefined;
  if (kind === "text") return typeof value === "string" ? clean(value) : undefined;
  if (!Array.isArray(value)) return undefined;
  const texts = value.slice(0, MAX_LIST).filter((text): text is string => typeof text === "string");
  return texts.map(clean);
}

function cleanError(error: ErrorFields, clean: Clean): ErrorFields {
  return {
    ...error,
    name: clean(error.name),
    message: clean(error.message),
    ...(typeof error.code === "string" && { code: clean(error.code) }),
    ...(error.cause && { cause: cleanError(error.cause, clean) }),
    ...(error.errors && { errors: error.errors.map((inner) => cleanError(inner, clean)) }),
    ...(error.stack && { stack: clean(error.stack) }),
  };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}… (${text.length} characters)`;
}
