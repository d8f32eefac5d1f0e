// How the operator plane reads an order and answers it.
import type { Context } from "hono";
import type { OperatorOutcome } from "../../../shared/usecases/operator-plane/pause-place.ts";
import { problem } from "../problem.ts";
import type { OperatorEnv } from "./auth.ts";

export type OperatorContext = Context<OperatorEnv>;

/** `more`: fields of the answer beside its message, of an order that was carried out. */
export function answer(c: Context, outcome: OperatorOutcome, more: object = {}): Response {
  const { message: detail } = outcome;
  switch (outcome.type) {
    case "done":
      return c.json({ message: detail, ...more });
    case "unknown":
      return problem(c, { status: 404, title: "Unknown name", detail });
    case "refused":
      return problem(c, { status: 409, title: "Not done", detail });
  }
}

/** Undefined for what is no JSON, which no schema takes. */
export async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function badRequest(c: Context, detail: string): Response {
  return problem(c, { status: 400, title: "Bad request", detail });
}
