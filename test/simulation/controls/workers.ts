// Mistakes with workers and their registrations: ended too early, too often, or never.
import type { Control } from "./control.ts";

export const WORKERS_CONTROLS: readonly Control[] = [
  {
    name: "stop a worker because GitHub says idle",
    edits: [
      {
        file: "shared/usecases/ending/check-registration.ts",
        search: "return runner === undefined ?",
        replace: "return runner?.busy !== true ?",
      },
      {
        file: "shared/usecases/reconcile/look-at-worker.ts",
        search: '    case "wait":\n',
        replace: '    case "wait":\n      if (worker.registered) return checkIdle(deps, worker, "lost");\n',
      },
    ],
    breaks: "running-killed",
    kinds: ["busy-lag", "cut-off", "delivery-lost"],
    seed: 1,
  },
  {
    name: "stop instead of drain",
    edits: [
      {
        file: "shared/usecases/reconcile/look-at-worker.ts",
        search: "? draining(current, reason, stepOf(deps, current))",
        replace: "? lost(current, stepOf(deps, current))",
      },
      {
        file: "shared/usecases/reconcile/look-at-worker.ts",
        search: "  draining,\n",
        replace: "  draining,\n  lost,\n",
      },
    ],
    breaks: "running-killed",
    kinds: ["cut-off", "no-pickup", "late-pickup", "busy-lag"],
    seed: 165,
  },
  {
    name: "let any boot have the worker",
    edits: [
      {
        file: "shared/domain/worker/worker-steps.ts",
        search: "worker.bootId === bootId && isServing(worker)",
        replace: "isServing(worker)",
      },
    ],
    breaks: "running-killed",
    kinds: ["started-twice", "start-lost"],
    seed: 1,
  },
  {
    name: "answer an older question for a registration too",
    edits: [
      {
        file: "shared/usecases/worker-plane/register-runner.ts",
        search: "isLate = isOwner && ask !== undefined && ask <= (worker.registrationAsk ?? 0);",
        replace: "isLate = false;",
      },
      {
        file: "shared/usecases/worker-plane/register-runner.ts",
        search: "return current.registrationAsk === asked.registrationAsk;",
        replace: "return current.id === asked.id;",
      },
    ],
    breaks: "running-killed",
    kinds: ["store-slow", "busy-lag"],
    seed: 2_702,
  },
  {
    name: "leave registrations at GitHub",
    edits: [
      {
        file: "shared/usecases/ending/remove-registration.ts",
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
    name: "take a runner that GitHub does not know for a running one",
    edits: [
      {
        file: "shared/usecases/ending/remove-registration.ts",
        search: 'if (runner === undefined) return { type: "gone" };',
        replace: 'if (runner === undefined) return { type: "busy" };',
      },
    ],
    breaks: "orphan-record",
    kinds: ["worker-crash", "idle-removal", "cancel"],
    seed: 1,
  },
  {
    name: "stop a container without a record at first sight",
    edits: [
      {
        file: "shared/usecases/reconcile/pass/remember.ts",
        search: "return present.filter((name) => confirmed.includes(name));",
        replace: "return present.filter((name) => confirmed.length >= 0 || name);",
      },
    ],
    breaks: "running-killed",
    kinds: ["record-lost", "busy-lag", "cut-off"],
    seed: 1,
  },
];
