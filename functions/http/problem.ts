// The one shape of every refusal: RFC 9457's fields and RunPod's `error`, so that each kind of client finds its own.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

export type Problem = {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  /** A sentence: what happened, and what to do next. */
  readonly detail: string;
  readonly retryAfterMs?: number;
};

const MS_PER_SECOND = 1_000;

export function problem(c: Context, refusal: Problem): Response {
  const { status, retryAfterMs } = refusal;
  const headers: Record<string, string> =
    retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / MS_PER_SECOND)) };
  return c.json(problemBody(refusal), status, headers);
}

/** For a path at which there is nothing. */
export function unknownPath(c: Context): Response {
  const detail = "there is nothing at this path; /openapi.json lists what there is";
  return problem(c, { status: 404, title: "Not found", detail });
}

/** For answers that are not given by Hono. */
export function problemBody({ status, title, detail, retryAfterMs }: Problem): object {
  return { title, status, detail, error: detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
