// A job that asks for more than its pool has, in all or on one machine, or has just now.
import type { Obstacle, PoolView } from "./wait-view.ts";

export function tooLarge(needed: number, pool: PoolView): Obstacle {
  // Nobody asks for too much of nothing: its machines are all cordoned or down, or not there yet.
  if (pool.total === 0) {
    return {
      code: "pool-unavailable",
      message: `It needs ${cards(needed)}; pool "${pool.name}" has none in service now: its nodes are cordoned, not ready or missing. It starts when they are back.`,
    };
  }
  return onRestingNode(needed, pool) ?? largerThanMachine(needed, pool) ?? largerThanPool(needed, pool);
}

/** So many are named. */
const MAX_NODES = 3;

/** It would fit on a machine that takes nothing just now. */
function onRestingNode(needed: number, { name, machines }: PoolView): Obstacle | undefined {
  const able = (machines?.resting ?? []).filter((node) => node.cards >= needed);
  if (machines === undefined || able.length === 0) return undefined;
  const shown = able.slice(0, MAX_NODES).map((node) => node.name);
  const more = able.length > shown.length ? ` and ${able.length - shown.length} more` : "";
  const [is, back] = able.length === 1 ? ["is", "that is"] : ["are", "one of them is"];
  return {
    code: "pool-unavailable",
    message: `It needs ${cards(needed)} on one machine; the largest of pool "${name}" in service now has ${machines.largest}. ${shown.join(", ")}${more}, where it fits, ${is} cordoned or not ready. It starts when ${back} back.`,
  };
}

function largerThanMachine(needed: number, { name, usable, machines }: PoolView): Obstacle | undefined {
  if (machines === undefined || needed > usable) return undefined;
  const { largest, whole } = machines;
  const sick = whole > largest ? `, beside ${whole - largest} in quarantine` : "";
  return {
    code: "larger-than-pool",
    message: `It asks for ${cards(needed)}, which must be on one machine; the largest of pool "${name}" has ${largest}${sick}. ${nextFor(needed, whole)}`,
  };
}

function largerThanPool(needed: number, { name, total, usable }: PoolView): Obstacle {
  const out = total - usable;
  const has = out === 0 ? `${total}` : `${total}, ${out} of them in quarantine`;
  return {
    code: "larger-than-pool",
    message: `It asks for ${cards(needed)}; pool "${name}" has ${has}. ${nextFor(needed, total)}`,
  };
}

/** `most`: with those in quarantine. */
function nextFor(needed: number, most: number): string {
  return needed > most ? "Ask for fewer, or cancel it." : "Have them repaired, or ask for fewer.";
}

export function cards(count: number | undefined): string {
  return count === 1 ? "1 card" : `${count} cards`;
}
