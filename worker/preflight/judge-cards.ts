// What the cards of a worker showed, judged: NPUs and GPUs alike. Pure.
import { fail, type PreflightResult } from "./preflight-verdict.ts";

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

/**
 * `isShared`: what a neighbour does on the same card is no fault of it, and what is ours cannot be told from that, so only
 * its health counts.
 */
export function judgeCards(cards: readonly ShownCard[], isShared: boolean): PreflightResult {
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
