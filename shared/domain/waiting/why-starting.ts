// Why a job that has a worker does not run yet: how far that worker is.
import { PREPARE_MS, RESUME_START_MS } from "../deadlines.ts";
import type { EpochMs } from "../ids.ts";
import type { Job, Phase } from "../job/job.ts";
import type { Worker, WorkerPhase } from "../worker/worker.ts";
import type { WaitCode, WaitView, WhyWaiting } from "./wait-view.ts";

export function whyStarting(view: WaitView): WhyWaiting {
  const { job, worker } = view;
  const since = job.phases.starting ?? job.queuedAt;
  if (worker === undefined) return { code: "starting", message: ASKED, since };
  return whySettling(view) ?? whileServing(view, worker, since);
}

/** GitHub gave its runner another job, or that has ended, and what became of this job is being found out. */
export function whySettling({ job, worker }: WaitView): WhyWaiting | undefined {
  if (worker === undefined || (worker.jobId === job.id && !hasEnded(worker))) return undefined;
  const since = worker.phases.done ?? job.phases.starting ?? job.queuedAt;
  return { code: "settling", message: SETTLING, since };
}

/** How far a job is whose worker this is. */
export function phaseOfWorker(worker: Worker): Phase {
  if (worker.phases.running !== undefined) return worker.kind === "program" ? "listening" : "running";
  switch (worker.state) {
    case "reserving":
      return "starting";
    case "starting":
      return "booting";
    case "booted":
      return worker.phases.registering === undefined ? "preflight" : "registering";
    case "listening":
    case "running":
      return "listening";
    default:
      return "queued";
  }
}

const ASKED = "Its cards are set aside, and the pool is asked to start its worker.";
const SETTLING =
  "Its worker ended, or GitHub gave that worker's runner another job. GitHub is asked about this one; it goes on within two minutes.";

function whileServing(view: WaitView, worker: Worker, since: EpochMs): WhyWaiting {
  const begun = (phase: WorkerPhase) => worker.phases[phase] ?? since;
  switch (phaseOfWorker(worker)) {
    case "starting":
      return { code: "starting", message: ASKED, since, until: worker.createdAt + RESUME_START_MS };
    case "booting":
      return whileBooting(view, begun("booting"));
    case "preflight":
      return whilePreparing("preflight", begun("preflight"), preflightMessage(worker));
    case "registering":
      return whileRegistering(view, begun("registering"));
    default:
      return whileListening(view.job, worker, begun("listening"));
  }
}

function whileBooting({ waits, waitsFor, limits }: WaitView, since: EpochMs): WhyWaiting {
  const until = limits === undefined ? {} : { until: since + limits.bootMs };
  if (waits === undefined) {
    const message =
      "Its container is started: the image is fetched where it is missing, and the worker boots.";
    return { code: "booting", message, since, ...until };
  }
  const code: WaitCode = waitsFor === "image" ? "image-pull" : "pool-waits";
  const message = `The pool has not started its container yet: ${waits.replace(/[.\s]+$/, "")}. It is given up when that lasts.`;
  return { code, message, since, ...until };
}

function preflightMessage({ kind }: Worker): string {
  return kind === "program"
    ? "Its worker has booted and gets ready to take it."
    : "Its worker checks that the cards are healthy and free.";
}

function whilePreparing(code: WaitCode, since: EpochMs, message: string): WhyWaiting {
  return { code, message, since, until: since + PREPARE_MS };
}

function whileRegistering({ github }: WaitView, since: EpochMs): WhyWaiting {
  if (github === undefined || github.left > 0) {
    return whilePreparing("registering", since, "Its worker registers its runner with GitHub.");
  }
  const message =
    "Its worker is ready, and GitHub's limit for this owner is used up. It registers when that is over.";
  return {
    code: "github-limit",
    message,
    since,
    ...(github.until === undefined ? {} : { until: github.until }),
  };
}

function whileListening(job: Job, worker: Worker, since: EpochMs): WhyWaiting {
  if (worker.kind === "program") {
    return { code: "taking", message: "A worker is ready and takes it with its next call.", since };
  }
  const label = job.api?.runner?.label;
  const message =
    label === undefined
      ? "Its runner listens, and GitHub has not assigned the job yet. That takes seconds; max-parallel or a concurrency group may hold it back."
      : `Its runner listens for a workflow job with the label ${label}, and none has come yet.`;
  return { code: "listening", message, since };
}

function hasEnded({ state }: Worker): boolean {
  return state === "finished" || state === "lost" || state === "released";
}
