// Orders for a dispatcher that runs: `npm run operate -- pause --pool a2 --reason "driver upgrade"`.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { StateAnswer } from "../shared/protocol/operator-plane.ts";
import { orderAnswer, stateAnswer } from "../shared/protocol/operator-plane.ts";

const USAGE = `usage: npm run operate -- ORDER …
  state       [--json]
  pause       --pool NAME | --endpoint NAME | --tenant LOGIN   --reason TEXT
  drain       the same: also ends workers without a job
  resume      the same
  quarantine  --pool NAME --card NUMBER --reason TEXT
  lift        the same
DISPATCH_URL is where the dispatcher listens, ADMIN_KEY (or the file ADMIN_KEY_FILE) its admin key.`;

const OPTIONS = {
  pool: { type: "string" },
  endpoint: { type: "string" },
  tenant: { type: "string" },
  card: { type: "string" },
  reason: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

type Values = { readonly [name in "pool" | "endpoint" | "tenant" | "card" | "reason"]?: string };

/** A drain ends its workers, a resume starts what waits: both before the answer. */
const ANSWER_MS = 60_000;

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
  if (order === "state" && rest.length === 0 && Object.keys(named).length === 0) {
    const state = stateAnswer.parse(await call("GET", "state"));
    console.log(json ? JSON.stringify(state, null, 2) : textOf(state));
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

async function call(method: string, route: string, fields?: object): Promise<unknown> {
  const { DISPATCH_URL: url, ADMIN_KEY_FILE: file } = process.env;
  const key = process.env["ADMIN_KEY"] ?? (file === undefined ? undefined : readFileSync(file, "utf8"));
  if (url === undefined || key === undefined)
    throw new Error(`DISPATCH_URL or ADMIN_KEY is not set.\n${USAGE}`);
  const response = await send(`${url.replace(/\/+$/, "")}/admin/${route}`, {
    method,
    headers: { authorization: `Bearer ${key.trim()}`, "content-type": "application/json" },
    ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
    // The key goes to this address and to no other.
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(`${response.status}: ${detailOf(text)}`);
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new Error(`${url} did not answer (${why}). Is DISPATCH_URL right, and does the dispatcher run?`, {
      cause: error,
    });
  }
}

/** What a proxy in between says is no JSON. */
function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return typeof detail === "string" ? detail : text;
  } catch (error) {
    if (error instanceof SyntaxError) return text.slice(0, 200);
    throw error;
  }
}

function textOf({ pauses, pools }: StateAnswer): string {
  const lines = pools.flatMap((pool) => poolLines(pool));
  const paused = pauses.map(
    ({ kind, name, mode, reason, at, by }) =>
      `${kind} ${name}: ${mode === "drain" ? "draining" : "paused"} since ${time(at)} by ${by}: ${reason}`,
  );
  return [...lines, ...(paused.length === 0 ? ["nothing is paused"] : paused)].join("\n");
}

function poolLines(pool: StateAnswer["pools"][number]): string[] {
  const workers = Object.entries(pool.workers).map(([state, count]) => `${count} ${state}`);
  const cards = pool.counted ? `${pool.used} of ${pool.total} cards used, ${pool.free} free` : "not used yet";
  const away =
    pool.unavailable && `  unavailable until ${time(pool.unavailable.until)}: ${pool.unavailable.why}`;
  return [
    `pool ${pool.name}: ${cards}; workers: ${workers.join(", ") || "none"}`,
    ...(away === undefined ? [] : [away]),
    ...pool.tenants.map(tenantLine),
    ...pool.cards.map(cardLine),
  ];
}

function tenantLine({ tenant, login, ...of }: StateAnswer["pools"][number]["tenants"][number]): string {
  const waiting = of.more ? `more than ${of.waiting}` : of.waiting;
  return `  tenant ${login || tenant}: ${of.cards} cards, ${of.workers} workers, ${waiting} waiting`;
}

function cardLine({ card, ...of }: StateAnswer["pools"][number]["cards"][number]): string {
  const state = {
    none: `in use after ${of.strikes} failed checks`,
    timed: `in quarantine until ${time(of.until ?? 0)}`,
    "by-hand": "in quarantine until it is lifted",
  };
  return `  card ${card}: ${state[of.quarantine]}: ${of.reason}`;
}

function time(at: number): string {
  return new Date(at).toISOString();
}
