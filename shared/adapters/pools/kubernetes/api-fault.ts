// A call to the API server that failed, with what the server said about it and nothing that could be a secret.
import { STATUS_CODES } from "node:http";
import { ApiException } from "@kubernetes/client-node";
import * as z from "zod/mini";
import { scrub } from "../../log/scrub.ts";

/** The parts of a metav1.Status that tell faults apart. */
const statusBody = z.object({
  message: z.optional(z.string()),
  reason: z.optional(z.string()),
  details: z.optional(
    z.object({
      name: z.optional(z.string()),
      kind: z.optional(z.string()),
      retryAfterSeconds: z.optional(z.number()),
      causes: z.optional(
        z.array(
          z.object({
            reason: z.optional(z.string()),
            message: z.optional(z.string()),
            field: z.optional(z.string()),
          }),
        ),
      ),
    }),
  ),
});
type Status = z.infer<typeof statusBody>;

export class ApiFault extends Error {
  override readonly name = "KubernetesApiFault";
  /** Undefined: no answer came. */
  readonly status: number | undefined;
  readonly body: Status;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    fault: { status?: number; body?: Status; retryAfterMs?: number; cause?: unknown },
  ) {
    super(scrub(message), fault.cause === undefined ? undefined : { cause: fault.cause });
    this.status = fault.status;
    this.body = fault.body ?? {};
    this.retryAfterMs = fault.retryAfterMs;
  }
}

/** `action`: what was tried, as in "create the Job x". The client's own exception is no cause: it quotes all headers. */
export function apiFault(error: unknown, action: string, server: string): ApiFault {
  if (error instanceof ApiException) {
    const body = parseStatus(error.body);
    const said = body.message ?? `HTTP ${error.code} ${STATUS_CODES[error.code] ?? ""}`.trim();
    const retryAfterMs = retryAfter(error, body);
    return new ApiFault(`The Kubernetes API server did not ${action}: ${said}`, {
      status: error.code,
      body,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const { code, path } = cause as NodeJS.ErrnoException;
  if (path !== undefined) {
    const message = `The credentials for the Kubernetes API server ${server} cannot be read: ${code} at ${path}. Check cluster in dispatch.yaml.`;
    return new ApiFault(message, { cause });
  }
  const how = isTimeout(cause) ? "did not answer in time" : `could not be reached (${reasonOf(cause)})`;
  return new ApiFault(
    `The Kubernetes API server ${server} ${how}, asked to ${action}. Check its address and the network between.`,
    { cause },
  );
}

/** The connection broke, so that nobody knows whether the call arrived: every call of this driver may be repeated. */
export function isBrokenConnection(error: unknown): boolean {
  return error instanceof Error && /ECONNRESET|EPIPE|socket hang up|Premature close/.test(error.message);
}

function isTimeout(error: Error): boolean {
  return error.name === "AbortError" || error.name === "TimeoutError";
}

/** An exec plugin that fails is quoted with all that it printed, and a header that cannot be sent with its value. */
const MAX_REASON = 300;

function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : scrub(error.message).slice(0, MAX_REASON);
}

function retryAfter(error: ApiException<unknown>, body: Status): number | undefined {
  const header: string | undefined = error.headers["retry-after"];
  const seconds = Number(header ?? body.details?.retryAfterSeconds);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

/** A proxy before the API server may answer with a page of its own. */
function parseStatus(body: unknown): Status {
  const parsed = statusBody.safeParse(typeof body === "string" ? parseJson(body) : body);
  return parsed.success ? parsed.data : {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
