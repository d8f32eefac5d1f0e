// The operator plane's API keys over HTTP: make one, take one back.
import { keyOrder, revokeOrder } from "../../../shared/protocol/operator-plane.ts";
import type { OperatorContext } from "./answer.ts";
import { answer, badRequest, bodyOf } from "./answer.ts";
import type { OperatorUseCases } from "./use-cases.ts";

const KEY_FORM = 'send {"tenant": login, "name": …}, and "ownerId" for an owner that is not known here';
const REVOKE_FORM = 'send {"key": the first 12 digits or more of its hash, "reason": …}';

/** The only answer with the key in it: nobody in between may keep it. */
export async function makeKey(
  { makeKey: make }: Pick<OperatorUseCases, "makeKey">,
  c: OperatorContext,
): Promise<Response> {
  const order = keyOrder.safeParse(await bodyOf(c));
  if (!order.success) return badRequest(c, KEY_FORM);
  const { tenant: login, name, ownerId } = order.data;
  const { key, outcome } = await make({ login, name, ownerId, by: c.get("by") });
  c.header("cache-control", "no-store");
  return answer(c, outcome, { key });
}

export async function revokeKey(
  { revokeKey: revoke }: Pick<OperatorUseCases, "revokeKey">,
  c: OperatorContext,
): Promise<Response> {
  const order = revokeOrder.safeParse(await bodyOf(c));
  if (!order.success) return badRequest(c, REVOKE_FORM);
  const { key: id, reason } = order.data;
  return answer(c, await revoke({ id, reason, by: c.get("by") }));
}
