// The orders about API keys: `keys list`, `keys make`, `keys revoke`.
import { hashKey } from "../../functions/http/client/auth.ts";
import { keysAnswer, newKeyAnswer, orderAnswer } from "../../shared/protocol/operator-plane.ts";
import { call } from "./call.ts";
import { keysText } from "./show.ts";

export type KeyValues = {
  readonly tenant?: string;
  readonly "owner-id"?: string;
  readonly name?: string;
  readonly key?: string;
  readonly reason?: string;
};

/** False when that is no order. A new key alone goes to standard output, so that a script can keep it. */
export async function orderKeys(what: string | undefined, named: KeyValues, json: boolean): Promise<boolean> {
  if (what === "list" && has(named, [])) {
    const listed = keysAnswer.parse(await call("GET", "keys"));
    console.log(json ? JSON.stringify(listed, null, 2) : keysText(listed));
    return true;
  }
  if (json) return false;
  if (what === "revoke" && has(named, ["key", "reason"])) {
    const { key = "", reason } = named;
    // One that leaked is at hand as it is: even then only its hash leaves this machine.
    const fields = { key: key.startsWith("npud_") ? hashKey(key) : key, reason };
    console.log(orderAnswer.parse(await call("POST", "keys/revoke", fields)).message);
    return true;
  }
  if (what !== "make" || !has(named, ["tenant"], ["owner-id", "name"])) return false;
  const { tenant, name = "api", "owner-id": id } = named;
  const fields = { tenant, name, ...(id === undefined ? {} : { ownerId: Number(id) }) };
  const { message, key } = newKeyAnswer.parse(await call("POST", "keys", fields));
  console.error(`${message}. It is shown this once:`);
  console.log(key);
  return true;
}

function has(named: KeyValues, needed: readonly string[], allowed: readonly string[] = []): boolean {
  const names = Object.keys(named);
  const known = new Set([...needed, ...allowed]);
  return needed.every((name) => names.includes(name)) && names.every((name) => known.has(name));
}
