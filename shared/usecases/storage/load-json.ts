// The value that a payload holds: parsed when it is small, else left in the store for whoever sends it on.
import type { Payload } from "../../domain/job/payload.ts";
import { StoredJson } from "../../domain/job/payload.ts";
import type { Deps } from "../deps.ts";

/** Undefined when there is none, or none any more. */
export async function loadJson(
  { apiStores }: Pick<Deps, "apiStores">,
  payload: Payload | undefined,
): Promise<unknown> {
  if (payload === undefined || payload.type === "gone") return undefined;
  if (payload.type === "inline") return JSON.parse(payload.json);
  const isThere = (await apiStores.payloads.part(payload, 0)) !== undefined;
  return isThere ? new StoredJson(payload) : undefined;
}
