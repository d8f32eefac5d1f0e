// Mistakes with GitHub's words and with a job's end.
import type { Control } from "./control.ts";

export const JOBS_CONTROLS: readonly Control[] = [
  {
    name: "end the job on the worker's word",
    edits: [
      {
        file: "shared/usecases/ending/settle-job.ts",
        search: '    const at = settlement.type === "await-word" ? now + GITHUB_WORD_MS : now;',
        replace:
          '    if (settlement.type === "await-word") {\n      const end = { reason: "succeeded", message: "its worker said so", at: now } as const;\n      const github = { ...current.github, status: "completed" };\n      return { ...current, version: current.version + 1, state: "COMPLETED", verifyAt: undefined, github, end }; }\n    const at = now;',
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
        file: "shared/usecases/intake/recover-deliveries.ts",
        search: "  const downTo = gap?.above ?? since;",
        replace: "  const downTo = deps.clock.now();",
      },
    ],
    breaks: "job-lost",
    kinds: ["delivery-lost"],
    seed: 18,
  },
  {
    name: "leave the job of a lost worker where it is",
    edits: [
      {
        file: "shared/usecases/ending/settle-job.ts",
        search: "      return requeueAfterFailure(current, settlement.failure, now, random);",
        replace: "      return undefined;",
      },
    ],
    breaks: "waits-in-vain",
    kinds: ["worker-crash", "pull-failed", "dead-card", "vanished"],
    seed: 1,
  },
  {
    name: "start a job again that GitHub has assigned",
    edits: [
      {
        file: "shared/domain/job/job.ts",
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
        file: "shared/domain/job/job-events.ts",
        search: "  if (isTerminal(job) || job.github === undefined) return job;",
        replace: "  if (job.github === undefined) return job;",
      },
      {
        file: "shared/domain/job/job-events.ts",
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
        file: "shared/usecases/worker-plane/register-runner.ts",
        search: '    return { type: "registered", answer: { type: "token", token } };',
        replace:
          '    deps.log.info("registered", { worker: worker.id, message: token });\n    return { type: "registered", answer: { type: "token", token } };',
      },
    ],
    breaks: "secret-in-clear",
    kinds: ["slow-start", "crash", "cancel"],
    seed: 1,
  },
  {
    name: "look at an open job only when something was heard of it",
    edits: [
      {
        file: "shared/domain/job/job.ts",
        search: "return silentSince(job) + silenceMs(job);",
        replace: "return verifyAt;",
      },
    ],
    breaks: "never-due",
    kinds: ["delivery-lost"],
    seed: 1,
  },
];
