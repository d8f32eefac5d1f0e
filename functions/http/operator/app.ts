// The operator plane over HTTP: what is the state, and orders that change it.
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type * as z from "zod/mini";
import type { Log } from "../../../shared/ports/log.ts";
import { cardOrder, pauseOrder } from "../../../shared/protocol/operator-plane.ts";
import type { OperatorOutcome, Order } from "../../../shared/usecases/operator-plane/pause-place.ts";
import { refuseOtherMethods } from "../other-methods.ts";
import { problem } from "../problem.ts";
import type { OperatorContext } from "./answer.ts";
import { answer, badRequest, bodyOf } from "./answer.ts";
import type { OperatorEnv, OperatorGuard } from "./auth.ts";
import { operatorGuard } from "./auth.ts";
import { makeKey, revokeKey } from "./keys.ts";
import type { OperatorUseCases } from "./use-cases.ts";

export type OperatorPlane = OperatorGuard & {
  readonly useCases: OperatorUseCases;
  readonly log: Log;
};

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
  const look = operatorGuard(plane, "requests");
  app.get("/admin/state", look, async (c) => c.json(await useCases.listState()));
  app.get("/admin/keys", look, async (c) => c.json(await useCases.listKeys()));
  app.use("/admin/*", order, limitBody());
  app.post("/admin/pause", (c) => onPlace(c, (place, why) => useCases.pause("pause", place, why)));
  app.post("/admin/drain", (c) => onPlace(c, (place, why) => useCases.pause("drain", place, why)));
  app.post("/admin/resume", (c) => onPlace(c, useCases.resume));
  app.post("/admin/quarantine", (c) => onCard(plane, c));
  app.post("/admin/keys", (c) => makeKey(useCases, c));
  app.post("/admin/keys/revoke", (c) => revokeKey(useCases, c));
  refuseOtherMethods(app);
  app.all("/admin/*", (c) => {
    const detail =
      "there is GET /admin/state and keys, and POST /admin/pause, drain, resume, quarantine, keys and keys/revoke";
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

function limitBody() {
  const detail = `an order is at most ${MAX_BODY_BYTES} bytes`;
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: (c) => problem(c, { status: 413, title: "Body too large", detail }),
  });
}
