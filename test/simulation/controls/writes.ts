// Mistakes that cost writes.
import type { Control } from "./control.ts";

export const WRITES_CONTROLS: readonly Control[] = [
  {
    name: "write a pool for each caller by itself",
    edits: [
      {
        file: "shared/usecases/update.ts",
        search: "const writer = writers.get(name) ?? {",
        replace: "const writer: Writer = {",
      },
    ],
    breaks: "too-many-writes",
    kinds: ["pool-slow"],
    seed: 1_042,
    edition: 2,
  },
];
