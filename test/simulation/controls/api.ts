// Mistakes with the jobs of the API: their results, their lives and their callbacks.
import { FAULT_KINDS } from "../plan/fault-kinds.ts";
import type { Control } from "./control.ts";

export const API_CONTROLS: readonly Control[] = [
  {
    name: "let a repeated request start another job",
    edits: [
      {
        file: "shared/usecases/client-plane/run-job.ts",
        search: "  if (call.idempotencyKey !== undefined) {",
        replace: "  if (call.idempotencyKey === undefined) {",
      },
    ],
    breaks: "asked-twice",
    kinds: ["call-lost", "call-twice"],
    seed: 1,
  },
  {
    name: "make a callback due when it has been made",
    edits: [
      {
        file: "shared/domain/job/api-steps.ts",
        search: "callback: api.callback && { ...api.callback, dueAt: now },",
        replace: "callback: api.callback,",
      },
    ],
    breaks: "callback-wrong",
    kinds: ["callback-failed", "call-lost"],
    seed: 1,
  },
  {
    name: "hear the result of a job that was cancelled",
    edits: [
      {
        file: "shared/domain/job/api-steps.ts",
        search: "  if (job.api === undefined || isTerminal(job)) return job;\n  const { api } = job;",
        replace: "  if (job.api === undefined) return job;\n  const { api } = job;",
      },
    ],
    breaks: "result-changed",
    kinds: ["ask-cancelled", "call-lost", "call-twice"],
    seed: 1,
  },
  {
    name: "leave an API job with a worker whose record is lost",
    edits: [
      {
        file: "shared/domain/worker/compare-pair.ts",
        search: '  if (worker === undefined) return isGiven ? "unknown" : "apart";',
        replace: '  if (worker === undefined || worker !== undefined) return "paired";',
      },
    ],
    breaks: "job-lost",
    kinds: FAULT_KINDS,
    seed: 4_719_000,
  },
  {
    name: "drop every in_progress",
    edits: [
      {
        file: "shared/usecases/intake/receive-delivery.ts",
        search: '  if (word.status !== "queued") {',
        replace:
          '  if (word.status === "in_progress") return { type: "unchanged", reason: "dropped" };\n  if (word.status !== "queued") {',
      },
    ],
    breaks: "word-ignored",
    kinds: ["no-pickup"],
    seed: 1,
  },
  {
    name: "drain a spare worker though an equal job is unassigned",
    edits: [
      {
        file: "shared/usecases/pairing/retire-worker.ts",
        search: "  if (worker.registered && (await keepForRival(deps, worker))) return;",
        replace:
          "  if (worker.registered && deps === undefined && (await keepForRival(deps, worker))) return;",
      },
    ],
    breaks: "drained-with-job",
    kinds: ["no-pickup", "late-pickup"],
    seed: 185,
  },
];
