// Mistakes with programs that ask, and are asked for, at the same instant.
import type { Control } from "./control.ts";

export const PROGRAMS_CONTROLS: readonly Control[] = [
  {
    name: "give a program a job that another has just been given",
    edits: [
      {
        file: "shared/usecases/worker-plane/give-job.ts",
        search: "  if (!isWaiting(job)) return undefined;\n  return startedApi",
        replace: "  if (isTerminal(job)) return undefined;\n  return startedApi",
      },
    ],
    breaks: "ran-twice",
    kinds: [],
    seed: 1,
    edition: 2,
  },
];
