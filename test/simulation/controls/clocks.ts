// Mistakes with clocks that are set.
import type { Control } from "./control.ts";

export const CLOCKS_CONTROLS: readonly Control[] = [
  {
    name: "follow a clock that is set at once",
    edits: [
      {
        file: "shared/domain/steady-time.ts",
        search: "const mostMs = passedMs * FOLLOWS;",
        replace: "const mostMs = Number.POSITIVE_INFINITY;",
      },
    ],
    breaks: "running-killed",
    kinds: ["clock-step"],
    seed: 1,
    edition: 3,
  },
  {
    name: "begin with the machine's time after a crash",
    edits: [
      {
        file: "shared/domain/steady-time.ts",
        search: "if (left?.aheadMs === undefined) return wall;",
        replace: "if (left?.aheadMs !== null) return wall;",
      },
    ],
    breaks: "running-killed",
    kinds: ["clock-step", "crash"],
    seed: 824,
    edition: 3,
  },
  {
    name: "go by a function's host alone",
    edits: [
      {
        file: "shared/adapters/system/heard-clock.ts",
        search: "offMs = at - wall();",
        replace: "offMs = 0;",
      },
    ],
    breaks: "ended-too-early",
    kinds: ["clock-step"],
    seed: 1,
    edition: 3,
  },
];
