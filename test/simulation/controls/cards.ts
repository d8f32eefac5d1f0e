// Mistakes with cards, claims and leases: each lets two have what is one's.
import type { Control } from "./control.ts";

export const CARDS_CONTROLS: readonly Control[] = [
  {
    name: "add to the ledger instead of replacing it",
    edits: [
      {
        file: "shared/usecases/dispatch/reserve-workers.ts",
        search: "    if (await deps.stores.pools.replace(next)) {",
        replace:
          "    const stored = await deps.stores.pools.get(pool.name);\n    if (await deps.stores.pools.replace({ ...next, version: (stored?.version ?? 0) + 1 })) {",
      },
    ],
    breaks: "card-shared",
    kinds: ["store-slow", "store-race", "crash"],
    seed: 1,
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
    breaks: "ran-twice",
    kinds: ["store-slow", "change-twice"],
    seed: 625,
  },
  {
    name: "start without a reservation",
    edits: [
      {
        file: "shared/usecases/dispatch/reserve-workers.ts",
        search: "    else next = reserve(next, worker.id, { tenant, cards, slots }, now);",
        replace:
          "    else if (tenant === undefined) next = reserve(next, worker.id, { tenant, cards, slots }, now);",
      },
    ],
    breaks: "cards-exceeded",
    kinds: ["slow-start", "crash", "cancel"],
    seed: 1,
  },
  {
    name: "hold the lease of a dispatch pass for ever",
    edits: [
      {
        file: "shared/usecases/dispatch/dispatch-pool.ts",
        search: "pool.lease !== undefined && pool.lease.until > now;",
        replace: "pool.lease !== undefined;",
      },
    ],
    breaks: "waits-in-vain",
    kinds: ["crash", "outage", "store-fault"],
    seed: 28,
  },
];
