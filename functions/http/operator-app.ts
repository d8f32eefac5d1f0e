// The operator plane over HTTP: what is the state, and orders that change it.
import type { Context } from "hono";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type * as z from "zod/mini";
import type { Log } from "../../shared/ports/log.ts";
import { cardOrder, pauseOrder } from "../../shared/protocol/operator-plane.ts";
import type { OperatorOutcome, Order } from "../../shared/usecases/operator/pause-place.ts";
import type { OperatorEnv, OperatorGuard } from "./operator-auth.ts";
import { operatorGuard } from "./operator-auth.ts";
import type { OperatorUseCases } from "./operator-use-cases.ts";
import { problem } from "./problem.ts";

export type OperatorPlane = OperatorGuard & {
  readonly useCases: OperatorUseCases;
  readonly log: Log;
};

type OperatorContext = Context<OperatorEnv>;
type PauseOrder = z.infer<typeof pauseOrder>;

const MAX_BODY_BYTES = 10_000;
const FAULT_RETRY_MS = 1_000;

const PAUSE_FORM =
  'send {"pool": …, "reason": …}, or endpoint or tenant instead of pool: one of them, and why';
const CARD_FORM = 'send {"pool": …, "card": …, "action": "add" or "lift", "reason": …}';

export function createOperatorApp(plane: OperatorPlane): Hono<OperatorEnv> {
  const app = new Hono<OperatorEnv>();
  const { useCases } = plane;
  // Numbers of the client plane's own limits: a state costs a listing, an order is a rare thing.
  const order = operatorGuard(plane, "cancel");
  app.get("/admin/state", operatorGuard(plane, "requests"), async (c) => c.json(await useCases.listState()));
  app.use("/admin/*", order, limitBody());
  app.post("/admin/pause", (c) => onPlace(c, (place, why) => useCases.pause("pause", place, why)));
  app.post("/admin/drain", (c) => onPlace(c, (place, why) => useCases.pause("drain", place, why)));
  app.post("/admin/resume", (c) => onPlace(c, useCases.resume));
  app.post("/admin/quarantine", (c) => onCard(plane, c));
  app.all("/admin/*", (c) => {
    const detail = "there is GET /admin/state, and POST /admin/pause, drain, resume and quarantine";
    return problem(c, { status: 404, title: "Not found", detail });
  });
  app.onError((error, c) => {
    plane.log.error("operator-call-failed", { url: c.req.path, error });
    const detail = "the order may have been carried out in part; look at the state, then send it again";
    return problem(c, { status: 503, title: "Not done", detail, retryAfterMs: FAULT_RETRY_MS });
  });
  return app;
}

async function onPlace(
  c: OperatorContext,
  act: (place: PauseOrder, order: Order) => Promise<OperatorOutcome>,
): Promise<Response> {
  const order = pauseOrder.safeParse(await bodyOf(c));
  if (!order.success) return badRequest(c, PAUSE_FORM);
  const { reason, ...place } = order.data;
  return answer(c, await act(place as PauseOrder, { reason, by: c.get("by") }));
}

async function onCard({ useCases }: OperatorPlane, c: OperatorContext): Promise<Response> {
  const order = cardOrder.safeParse(await bodyOf(c));
  if (!order.success) return badRequest(c, CARD_FORM);
  const { card, ...rest } = order.data;
  return answer(c, await useCases.quarantine({ ...rest, card: String(card), by: c.get("by") }));
}

function answer(c: Context, outcome: OperatorOutcome): Response {
  const { message: detail } = outcome;
  switch (outcome.type) {
    case "done":
      return c.json({ message: detail });
    case "unknown":
      return problem(c, { status: 404, title: "Unknown name", detail });
    case "refused":
      return problem(c, { status: 409, title: "Not done", detail });
  }
}

/** Undefined for what is no JSON, which no schema takes. */
async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function badRequest(c: Context, detail: string): Response {
  return problem(c, { status: 400, title: "Bad request", detail });
}

function limitBody() {
  const detail = `an order is at most ${MAX_BODY_BYTES} bytes`;
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (c) => problem(c, { status: 413, title: "Body too large", detail }),
  });
}
