// Which cards a worker had, by the names that its pool's trouble has for them, and which of them its report blames.
import { cardOnNode } from "../pool/node-trouble.ts";
import type { Worker } from "./worker.ts";

type Holder = Pick<Worker, "slots" | "place" | "report">;

/** None where nobody knows. */
export function heldCards(worker: Holder): readonly string[] {
  return cardsOf(worker).map(({ card }) => card);
}

/**
 * Those that its preflight named, which may be none; all where it could not tell, or counts other numbers than its pool.
 */
export function blamedCards(worker: Holder): readonly string[] {
  if (worker.report?.badCards?.length === 0) return [];
  const cards = cardsOf(worker);
  const named = cards.filter(({ device }) => worker.report?.badCards?.includes(device));
  return (named.length > 0 ? named : cards).map(({ card }) => card);
}

/** `device`: the host's number of it. */
function cardsOf({ slots, place, report }: Holder): { readonly card: string; readonly device: string }[] {
  const { node, devices } = place ?? {};
  // A host may give only some of its cards to the pool: slot 0 is then not its card 0.
  if (slots.length > 0) {
    return slots.map((slot, at) => ({ card: String(slot), device: devices?.[at] ?? String(slot) }));
  }
  if (node === undefined) return [];
  return (devices ?? report?.badCards ?? []).map((device) => ({ card: cardOnNode(node, device), device }));
}
