// Orders for a dispatcher that runs: `npm run operate -- pause --pool a2 --reason "driver upgrade"`.
import { parseArgs } from "node:util";
import { orderAnswer, stateAnswer } from "../shared/protocol/operator-plane.ts";
import { call } from "./operate/call.ts";
import { orderKeys } from "./operate/keys.ts";
import { stateText } from "./operate/show.ts";

const USAGE = `usage: npm run operate -- ORDER …
  state       [--json]
  pause       --pool NAME | --endpoint NAME | --tenant LOGIN   --reason TEXT
  drain       the same: also ends workers without a job
  resume      the same
  quarantine  --pool NAME --card NUMBER --reason TEXT
  lift        the same
  keys list   [--json]
  keys make   --tenant LOGIN [--owner-id NUMBER] [--name TEXT]
  keys revoke --key DIGITS --reason TEXT     of its hash, as listed; or the key itself
DISPATCH_URL is where the dispatcher listens, ADMIN_KEY (or the file ADMIN_KEY_FILE) its admin key.`;

const OPTIONS = {
  pool: { type: "string" },
  endpoint: { type: "string" },
  tenant: { type: "string" },
  card: { type: "string" },
  reason: { type: "string" },
  "owner-id": { type: "string" },
  name: { type: "string" },
  key: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

type Values = { readonly [name in "pool" | "endpoint" | "tenant" | "card" | "reason"]?: string };

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const [order = "", ...rest] = positionals;
  const { json, ...named } = values;
  if (order === "keys" && rest.length === 1 && (await orderKeys(rest[0], named, json))) return;
  if (order === "state" && rest.length === 0 && Object.keys(named).length === 0) {
    const state = stateAnswer.parse(await call("GET", "state"));
    console.log(json ? JSON.stringify(state, null, 2) : stateText(state));
    return;
  }
  const body = bodyOf(order, named);
  if (body === undefined || rest.length > 0 || json) throw new Error(USAGE);
  const { message } = orderAnswer.parse(await call("POST", body.route, body.fields));
  console.log(message);
}

/** Undefined when that is no order. */
function bodyOf(order: string, named: Values): { route: string; fields: object } | undefined {
  const { card, reason, ...place } = named;
  if (reason === undefined) return undefined;
  switch (order) {
    case "pause":
    case "drain":
    case "resume":
      return card === undefined && Object.keys(place).length === 1
        ? { route: order, fields: { ...place, reason } }
        : undefined;
    case "quarantine":
    case "lift": {
      const isWhole = card !== undefined && place.pool !== undefined && Object.keys(place).length === 1;
      const action = order === "lift" ? "lift" : "add";
      return isWhole ? { route: "quarantine", fields: { ...named, action } } : undefined;
    }
    default:
      return undefined;
  }
}
