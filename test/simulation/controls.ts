// Mistakes that the simulator must find, each in the real program, each with the rule that it breaks.
import type { FaultKind } from "./fault-kinds.ts";
import type { Edit } from "./patched-copy.ts";
import type { Rule } from "./watch.ts";

export type Control = {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly breaks: Rule;
  /** Faults that bring it out. */
  readonly kinds: readonly FaultKind[];
  /** Runs from this seed on. */
  readonly seed: number;
};

export const CONTROLS: readonly Control[] = [
  {
    name: "stop a worker because GitHub says idle",
    edits: [
      {
        file: "shared/usecases/check-registration.ts",
        search: "return runner === undefined ?",
        replace: "return runner?.busy !== true ?",
      },
      {
        file: "shared/usecases/revive-worker.ts",
        search: '    case "wait":\n',
        replace: '    case "wait":\n      if (worker.registered) return checkIdle(deps, worker, "lost");\n',
      },
    ],
    breaks: "running-killed",
    kinds: ["busy-lag", "cut-off", "delivery-lost"],
    seed: 1,
  },
  {
    name: "drop in_progress",
    edits: [
      {
        file: "shared/domain/job-events.ts",
        search: 'if (word.status === "waiting") return job;',
        replace: 'if (word.status !== "queued" && word.status !== "completed") return job;',
      },
    ],
    breaks: "wrong-end",
    kinds: ["delivery-late", "no-pickup", "late-pickup", "busy-lag"],
    seed: 1,
  },
  {
    name: "add to the ledger instead of replacing it",
    edits: [
      {
        file: "shared/usecases/reserve-workers.ts",
        search: "    if (await deps.stores.pools.replace(next)) {",
        replace:
          "    const stored = await deps.stores.pools.get(pool.name);\n    if (await deps.stores.pools.replace({ ...next, version: (stored?.version ?? 0) + 1 })) {",
      },
    ],
    breaks: "cards-exceeded",
    kinds: ["store-slow", "store-race", "crash"],
    seed: 1,
  },
  {
    name: "release cards twice",
    edits: [
      {
        file: "shared/domain/pool.ts",
        search: "  return { ...pool, reservations: rest };",
        replace:
          "  const [next = workerId] = Object.keys(rest);\n  const { [next]: _twice, ...others } = rest;\n  return { ...pool, reservations: others };",
      },
    ],
    breaks: "cards-exceeded",
    kinds: ["slow-start", "crash", "cancel"],
    seed: 1,
  },
  {
    name: "stop instead of drain",
    edits: [
      {
        file: "shared/usecases/revive-worker.ts",
        search: "    draining(current, reason, stepOf(deps, current)),",
        replace: "    lost(current, stepOf(deps, current)),",
      },
      {
        file: "shared/usecases/revive-worker.ts",
        search: "import { draining,",
        replace: "import { draining, lost,",
      },
    ],
    breaks: "running-killed",
    kinds: ["cut-off", "no-pickup", "late-pickup", "busy-lag"],
    seed: 1,
  },
  {
    name: "end the job on the worker's word",
    edits: [
      {
        file: "shared/usecases/settle-job.ts",
        search: '    const at = settlement.type === "await-word" ? now + GITHUB_WORD_MS : now;',
        replace:
          '    if (settlement.type === "await-word") {\n      const end = { reason: "succeeded", message: "its worker said so", at: now } as const;\n      return { ...current, version: current.version + 1, state: "COMPLETED", verifyAt: undefined, end };\n    }\n    const at = now;',
      },
    ],
    breaks: "wrong-end",
    kinds: ["delivery-late", "delivery-lost", "delivery-reordered"],
    seed: 1,
  },
  {
    name: "forget the watermark of deliveries",
    edits: [
      {
        file: "shared/usecases/recover-deliveries.ts",
        search: "  const downTo = gap?.above ?? since;",
        replace: "  const downTo = deps.clock.now();",
      },
    ],
    breaks: "job-lost",
    kinds: ["delivery-lost"],
    seed: 1,
  },
  {
    name: "claim without looking at the version",
    edits: [
      {
        file: "shared/usecases/start-worker.ts",
        search: "  if (!(await deps.stores.jobs.replace(claimed))) {",
        replace:
          "  const stored = await deps.stores.jobs.get(job.id);\n  if (!(await deps.stores.jobs.replace({ ...claimed, version: (stored?.version ?? 0) + 1 }))) {",
      },
    ],
    breaks: "two-workers",
    kinds: ["store-slow", "change-twice"],
    seed: 1,
  },
  {
    name: "let any boot have the worker",
    edits: [
      {
        file: "shared/domain/worker-steps.ts",
        search: "worker.bootId === bootId && isServing(worker)",
        replace: "isServing(worker)",
      },
    ],
    breaks: "card-shared",
    kinds: ["started-twice", "start-lost"],
    seed: 1,
  },
  {
    name: "drain a registered worker that may still be given a job",
    edits: [
      {
        file: "shared/usecases/retire-worker.ts",
        search: "if (worker.registered && (await keepForRival(deps, worker))) return;",
        replace: "",
      },
    ],
    breaks: "running-killed",
    kinds: ["late-pickup", "cancel", "delivery-never"],
    seed: 1,
  },
  {
    name: "leave registrations at GitHub",
    edits: [
      {
        file: "shared/usecases/remove-registration.ts",
        search: "const outcome = await deps.github.deleteRunner(caller, scope, runner.id);",
        replace: 'const outcome: string = "deleted";',
      },
      {
        file: "shared/usecases/reconcile/orphan-registrations.ts",
        search: "if (worker === undefined || !isLive(worker)) orphans.set(id, runner);",
        replace: "if (worker === undefined) orphans.set(id, runner);",
      },
    ],
    breaks: "orphan-registration",
    kinds: ["worker-crash", "cancel", "vanished"],
    seed: 1,
  },
  {
    name: "leave the job of a lost worker where it is",
    edits: [
      {
        file: "shared/usecases/settle-job.ts",
        search: "      return requeueAfterFailure(current, settlement.failure, now, random);",
        replace: "      return undefined;",
      },
    ],
    breaks: "job-lost",
    kinds: ["worker-crash", "pull-failed", "dead-card", "vanished"],
    seed: 1,
  },
  {
    name: "start without a reservation",
    edits: [
      {
        file: "shared/usecases/reserve-workers.ts",
        search: "    else next = reserve(next, worker.id, { tenant, cards, slots });",
        replace:
          "    else if (tenant === undefined) next = reserve(next, worker.id, { tenant, cards, slots });",
      },
    ],
    breaks: "cards-exceeded",
    kinds: ["slow-start", "crash", "cancel"],
    seed: 1,
  },
  {
    name: "take a runner that GitHub does not know for a running one",
    edits: [
      {
        file: "shared/usecases/remove-registration.ts",
        search: 'if (runner === undefined) return { type: "gone" };',
        replace: 'if (runner === undefined) return { type: "busy" };',
      },
    ],
    breaks: "orphan-record",
    kinds: ["worker-crash", "idle-removal", "cancel"],
    seed: 1,
  },
  {
    name: "hold the lease of a dispatch pass for ever",
    edits: [
      {
        file: "shared/usecases/dispatch-pool.ts",
        search: "pool.lease !== undefined && pool.lease.until > now;",
        replace: "pool.lease !== undefined;",
      },
    ],
    breaks: "job-lost",
    kinds: ["crash", "outage", "store-fault"],
    seed: 1,
  },
  {
    name: "stop a container without a record at first sight",
    edits: [
      {
        file: "shared/usecases/reconcile/remember.ts",
        search: "return present.filter((name) => confirmed.includes(name));",
        replace: "return present.filter((name) => confirmed.length >= 0 || name);",
      },
    ],
    breaks: "running-killed",
    kinds: ["record-lost", "busy-lag", "cut-off"],
    seed: 1,
  },
  {
    name: "start a job again that GitHub has assigned",
    edits: [
      {
        file: "shared/domain/job.ts",
        search: 'return job.state === "IN_QUEUE" && job.workerId === undefined && job.hold === undefined;',
        replace: "return !isTerminal(job) && job.workerId === undefined && job.hold === undefined;",
      },
    ],
    breaks: "started-again",
    kinds: ["stranger-runner", "store-slow", "delivery-late"],
    seed: 1,
  },
  {
    name: "let a late word move a job that has ended",
    edits: [
      {
        file: "shared/domain/job-events.ts",
        search: "  if (isTerminal(job) || job.github === undefined) return job;",
        replace: "  if (job.github === undefined) return job;",
      },
      {
        file: "shared/domain/job-events.ts",
        search: "  if (step < 0 || (step === 0",
        replace: "  if ((step === 0",
      },
    ],
    breaks: "terminal-changed",
    kinds: ["delivery-reordered", "delivery-twice", "delivery-late"],
    seed: 1,
  },
  {
    name: "log a registration token",
    edits: [
      {
        file: "shared/usecases/register-runner.ts",
        search: '    return { type: "token", token };',
        replace:
          '    deps.log.info("registered", { worker: worker.id, message: token });\n    return { type: "token", token };',
      },
    ],
    breaks: "secret-in-clear",
    kinds: ["slow-start", "crash", "cancel"],
    seed: 1,
  },
  {
    name: "register as many runners as are wanted",
    edits: [
      {
        file: "shared/usecases/grant-registrations.ts",
        search: "given = Math.min(wanted, grantable(free, now));",
        replace: "given = wanted;",
      },
    ],
    breaks: "github-limit",
    kinds: ["registration-limit", "rate-limit"],
    seed: 1,
  },
];
