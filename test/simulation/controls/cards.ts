// Mistakes with cards, claims and locks: each lets two have what is one's.
import type { Control } from "./control.ts";

export const CARDS_CONTROLS: readonly Control[] = [
  {
    name: "add to the ledger instead of replacing it",
    edits: [
      {
        file: "shared/usecases/update.ts",
        search: "    const written = { ...next, version: pool.version + 1 };",
        replace:
          "    const stored = await pools.get(name);\n    const written = { ...next, version: (stored?.version ?? 0) + 1 };",
      },
    ],
    breaks: "cards-exceeded",
    kinds: ["store-slow", "store-race", "crash"],
    seed: 1_500,
  },
  {
    name: "release cards twice",
    edits: [
      {
        file: "shared/domain/pool/pool.ts",
        search: "  return { ...balanced(pool, now), reservations: rest };",
        replace:
          "  const [next = workerId] = Object.keys(rest);\n  const { [next]: _twice, ...others } = rest;\n  return { ...balanced(pool, now), reservations: others };",
      },
    ],
    breaks: "card-shared",
    kinds: ["slow-start", "crash", "cancel"],
    seed: 1,
  },
  {
    name: "claim without looking at the version",
    edits: [
      {
        file: "shared/usecases/dispatch/start-worker.ts",
        search: "await replaceSeen(deps.stores.jobs, job, claim(",
        replace: "await replaceSeen(deps.stores.jobs, (await deps.stores.jobs.get(job.id)) ?? job, claim(",
      },
    ],
    breaks: "started-again",
    kinds: ["store-slow", "change-twice"],
    seed: 690,
  },
  {
    name: "start without a reservation",
    edits: [
      {
        file: "shared/usecases/dispatch/reserve-workers.ts",
        search: "    more[id] = { tenant, cards, slots };",
        replace: "    if (tenant === undefined) more[id] = { tenant, cards, slots };",
      },
    ],
    breaks: "cards-exceeded",
    kinds: ["slow-start", "crash", "cancel"],
    seed: 1,
  },
  {
    name: "hold the lock of a dispatch pass for ever",
    edits: [
      {
        file: "shared/domain/pool/pool-gate.ts",
        search: "  if (!isAhead(pool.lock?.until, PASS_LOCK_MS, now)) {",
        replace: "  if (pool.lock === undefined) {",
      },
    ],
    breaks: "waits-in-vain",
    kinds: ["crash", "outage", "store-fault"],
    seed: 28,
  },
];
