// What the cards of a worker showed, judged: NPUs and GPUs alike. Pure.
import type { GivenCards } from "./given-cards.ts";
import { fail, type PreflightResult } from "./preflight-verdict.ts";
import type { Selection } from "./select-cards.ts";

export type ShownCard = {
  /** For people, with the host's number where it is known: `NPU 6 chip 1`, `GPU 5`. */
  readonly name: string;
  /** What its host calls it, where that is known. */
  readonly card: string | undefined;
  /** Reads after its name: `reports Alarm`. Undefined: it says that it is well. */
  readonly ill: string | undefined;
  readonly memory: { readonly usedMb: number; readonly totalMb: number } | undefined;
  /** Who uses it, by the host's process ids. */
  readonly pids: readonly string[];
};

/** `seen`: what its program showed, as the beginning of a sentence. */
export function judgeSelection(
  selection: Selection<ShownCard>,
  { count, isShared, kind }: GivenCards,
  seen: string,
): PreflightResult {
  const needed = `${seen}, the job needs ${count}`;
  switch (selection.type) {
    case "found":
      return judgeCards(selection.cards, isShared);
    case "missing": {
      const { names } = selection;
      const gone = `${seen}, and not ${names.join(", ")}, which the worker was given`;
      return fail("E_NO_DEVICE", `${gone}. If that card is lost, check it on its host.`, names);
    }
    case "too-few":
      return fail("E_NO_DEVICE", `${needed}. Check the pool's device settings.`);
    case "unclear":
      return fail("E_NO_DEVICE", `${needed}${unclear(kind)}`);
  }
}

/** What to do where more cards are in sight than were given. */
export function unclear(kind: GivenCards["kind"]): string {
  const variable = kind === "gpu" ? "NVIDIA_VISIBLE_DEVICES" : "ASCEND_VISIBLE_DEVICES";
  return `, and nothing says which are its own: name them in ${variable}, or give it no others.`;
}

/**
 * `isShared`: what a neighbour does on the same card is no fault of it, and what is ours cannot be told from that, so only
 * its health counts.
 */
function judgeCards(cards: readonly ShownCard[], isShared: boolean): PreflightResult {
  const ills = cards.filter(({ ill }) => ill !== undefined);
  if (ills.length > 0) {
    const seen = ills.map(({ name, ill }) => `${name} ${ill}`).join(", ");
    return fail("E_HEALTH", `${seen}. Take it out of the pool and check it on its host.`, known(ills));
  }
  if (isShared) return { ok: true };
  const used = cards.filter(({ pids }) => pids.length > 0);
  const [first] = used;
  if (first !== undefined) {
    const message = `${first.name} is used by process ${first.pids[0]} of the host.`;
    return fail("E_DIRTY", message, known(used));
  }
  return judgeMemory(cards);
}

/** An idle 64 GB 910B shows 2.9 to 3.4 GB in use, a 21 GB 310P 1.9 GB. */
function judgeMemory(cards: readonly ShownCard[]): PreflightResult {
  const full = cards.filter(
    ({ memory }) => memory && memory.usedMb > Math.max(0.12 * memory.totalMb, 6 * 1024),
  );
  if (full.length === 0) return { ok: true };
  const seen = full.map(
    ({ name, memory }) => `${name} has ${memory?.usedMb} of ${memory?.totalMb} MB in use`,
  );
  return fail("E_DIRTY", `${seen.join(", ")}, and no job on it.`, known(full));
}

/** Undefined where one of them is not known: then it may have been any. */
function known(cards: readonly ShownCard[]): readonly string[] | undefined {
  const names = cards.flatMap(({ card }) => (card === undefined ? [] : [card]));
  return names.length === cards.length ? names : undefined;
}
