// A job that GitHub no longer knows: its repository was deleted or transferred, or the App was uninstalled. Asked about
// ever more seldom, since it may come back, and given up when GitHub itself would have cancelled it.
import { GITHUB_QUEUE_MS, GITHUB_RECHECK_MS, GITHUB_UNKNOWN_MAX_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Job } from "./job.ts";
import { askLater, requeue } from "./job-steps.ts";

const UNKNOWN =
  "GitHub does not know this job: was its repository deleted or transferred, or the App uninstalled? " +
  "No worker is started for it until GitHub shows it again";
const GIVEN_UP = "GitHub has not known this job for 24 h, and cancels a job that waits for longer";

/** The next version. A waiting job starts no worker meanwhile: none could register for it. */
export function unknownToGithub(job: Job, now: EpochMs): Job {
  const unknownSince = job.unknownSince ?? now;
  if (now - unknownSince >= GITHUB_QUEUE_MS) return givenUp(job, now);
  const verifyAt = now + pauseMs(now - unknownSince);
  if (job.state !== "IN_QUEUE") return { ...job, unknownSince, verifyAt };
  const hold = { reason: "unknown-to-github", message: UNKNOWN, until: verifyAt } as const;
  return { ...requeue(job), unknownSince, verifyAt, hold, phases: { ...job.phases, held: now } };
}

/** GitHub does not say, for a reason that time alone does not mend: asked again as seldom, and never given up. */
export function untoldByGithub(job: Job, now: EpochMs): Job {
  const unknownSince = job.unknownSince ?? now;
  return { ...askLater(job, now + pauseMs(now - unknownSince)), unknownSince };
}

/** As long again as it has lasted: each pause doubles the time. */
function pauseMs(lastedMs: number): number {
  return Math.min(Math.max(lastedMs, GITHUB_RECHECK_MS), GITHUB_UNKNOWN_MAX_MS);
}

function givenUp(job: Job, now: EpochMs): Job {
  return {
    ...job,
    state: "TIMED_OUT",
    hold: undefined,
    verifyAt: undefined,
    end: { reason: "queue-timeout", message: GIVEN_UP, at: now },
    phases: { ...job.phases, done: now },
  };
}
