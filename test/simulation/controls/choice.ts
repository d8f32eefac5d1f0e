// Mistakes in the choice of who starts next.
import type { Control } from "./control.ts";

const file = "shared/domain/pool/scheduling.ts";
const breaks = "unfair-start";
const kinds = ["crash", "cancel", "slow-start"] as const;

export const CHOICE_CONTROLS: readonly Control[] = [
  {
    name: "ignore the weights of tenants",
    edits: [
      {
        file,
        search: "(loadOf(used) + correction) / view.weight",
        replace: "loadOf(used) + correction",
      },
    ],
    breaks,
    kinds,
    seed: 70,
  },
  {
    name: "forget who had more than its part",
    edits: [{ file, search: "loadOf(used) + correction", replace: "loadOf(used)" }],
    breaks,
    kinds,
    seed: 70,
  },
  {
    name: "set nothing aside for a large job",
    edits: [{ file, search: "    if (isAged(head, now)) left = setAside(left, head.cards);\n", replace: "" }],
    breaks,
    kinds,
    seed: 70,
  },
  {
    name: "give cards to whoever waits longest",
    edits: [{ file, search: ".sort((a, b) => a.share - b.share || ", replace: ".sort((a, b) => " }],
    breaks,
    kinds,
    seed: 40,
  },
  {
    name: "let a job beyond its tenant's quota hold up its lane",
    edits: [
      {
        file,
        search: "head.cards <= Math.min(largest, maxCards ?? largest)",
        replace: "head.cards <= largest",
      },
    ],
    breaks,
    kinds,
    seed: 108,
  },
];
