// What is answered for a body that is not taken.
import type { Context } from "hono";
import type { JsonFault } from "../../../shared/domain/scan-json.ts";
import type { Problem } from "../problem.ts";
import { problem } from "../problem.ts";
import type { BodyRefusal } from "./read-body.ts";

/** Until other bodies are through: a large one takes some seconds. */
const FULL_RETRY_MS = 5_000;

/** `what`: the body in a sentence, such as "a body". */
export function refuseBody(c: Context, refusal: BodyRefusal, what = "a body"): Response {
  // The rest of it is not waited for.
  c.header("connection", "close");
  return problem(c, problemOf(refusal, what));
}

function problemOf(refusal: BodyRefusal, what: string): Problem {
  switch (refusal.type) {
    case "too-large": {
      const detail = `${what} is at most ${refusal.limit} bytes here; store larger data elsewhere and send where`;
      return { status: 413, title: "Body too large", detail };
    }
    case "full":
      return refusal.whose === "owner" ? TENANT_IS_FULL : ALL_IS_FULL;
    case "faulty":
      return faultOf(refusal.fault, what);
    case "broken":
      return {
        status: 408,
        title: "Body not received",
        detail: "the rest of the body did not come; send it again",
      };
  }
}

function faultOf(fault: JsonFault, what: string): Problem {
  if (fault.type === "not-json")
    return { status: 400, title: "Bad request", detail: `${NOT_JSON}; send {"input": …}` };
  const { of, limit } = fault;
  if (of === "depth") {
    return { status: 400, title: "Bad request", detail: `the body is nested deeper than ${limit} levels` };
  }
  const detail = `${what} has at most ${limit} ${of === "keys" ? "keys" : "objects and lists"} here; send such data as one text, or store it elsewhere and send where`;
  return { status: 413, title: "Body too large", detail };
}

const NOT_JSON = "the body is not JSON";

const TENANT_IS_FULL: Problem = {
  status: 429,
  title: "Too much under way",
  detail:
    "as many bytes of this tenant are under way as it may have at a time; send this one again when others are through",
  retryAfterMs: FULL_RETRY_MS,
};
const ALL_IS_FULL: Problem = {
  status: 503,
  title: "Too much under way",
  detail: "as many bytes of bodies are under way as this dispatcher takes at a time; send this one again",
  retryAfterMs: FULL_RETRY_MS,
};
