// Mistakes in the choice of who starts next.
import type { Control } from "./control.ts";

const file = "shared/domain/scheduling.ts";
const breaks = "unfair-start";
const kinds = ["crash", "cancel", "slow-start"] as const;

export const CHOICE_CONTROLS: readonly Control[] = [
  {
    name: "ignore the weights of tenants",
    edits: [
      {
        file,
        search: "Math.max(used.cards, used.workers) / view.weight",
        replace: "Math.max(used.cards, used.workers)",
      },
    ],
    breaks,
    kinds,
    seed: 20,
  },
  {
    name: "set nothing aside for a large job",
    edits: [{ file, search: "    if (isAged(head, now)) left = setAside(left, head.cards);\n", replace: "" }],
    breaks,
    kinds,
    seed: 44,
  },
  {
    name: "give cards to whoever waits longest",
    edits: [{ file, search: ".sort((a, b) => a.share - b.share || ", replace: ".sort((a, b) => " }],
    breaks,
    kinds,
    seed: 10,
  },
  {
    name: "let a job beyond its tenant's quota hold up its lane",
    edits: [
      {
        file,
        search: "head.cards <= Math.min(largest, view.maxCards ?? largest)",
        replace: "head.cards <= largest",
      },
    ],
    breaks,
    kinds,
    seed: 1,
  },
];
