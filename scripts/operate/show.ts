// The answers of the operator plane as lines for people.
import type { KeysAnswer, StateAnswer } from "../../shared/protocol/operator-plane.ts";

export function stateText({ pauses, pools }: StateAnswer): string {
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

export function keysText({ keys, more }: KeysAnswer): string {
  const lines = keys.map((key) => {
    const of = `${key.id}  ${key.login} (${key.tenant})  ${key.name}`;
    const since = key.from === "store" ? `made ${time(key.createdAt)}` : "in dispatch.yaml";
    const { revoked } = key;
    const end =
      revoked === undefined ? "" : `, revoked ${time(revoked.at)} by ${revoked.by}: ${revoked.reason}`;
    return `${of}  ${since}${end}`;
  });
  const rest = more ? ["and older ones"] : [];
  return lines.length === 0 ? "there is no key" : [...lines, ...rest].join("\n");
}
