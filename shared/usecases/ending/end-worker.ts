// The end of a worker by the pool's word. Its release, which settles its job, follows from the write.

import { clipReport } from "../../domain/clip-report.ts";
import { missingLibrary } from "../../domain/missing-library.ts";
import type { Worker } from "../../domain/worker/worker.ts";
import { finished, lost } from "../../domain/worker/worker-steps.ts";
import type { WorkerReport } from "../../domain/worker-report.ts";
import type { ContainerState } from "../../ports/pool-driver.ts";
import { parseReport, reportOf } from "../../protocol/report.ts";
import type { Deps } from "../deps.ts";
import { limitsOf } from "../deps.ts";
import { updateWorker } from "../update.ts";
import { lastWords } from "./last-words.ts";

/**
 * Its own word where it left one with the pool; otherwise it is lost. `how`: for the log. `mayEnd`: asked of the worker
 * that is written, where what was seen of it may have changed since.
 */
export async function endWorker(
  deps: Deps,
  worker: Worker,
  container: ContainerState,
  how: string,
  mayEnd: (current: Worker) => boolean = () => true,
): Promise<void> {
  const left = container.type === "exited" && container.result !== undefined ? container.result : "";
  // Half a file: the worker was killed while it wrote. Then it left no word.
  const done = parseReport(left);
  const own = done === undefined ? undefined : clipReport(reportOf(done));
  const report = own ?? (await deathOf(deps, worker, container));
  const why = await endOf(deps, worker, container);
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) => {
    if (!mayEnd(current)) return undefined;
    if (report !== undefined) return finished(current, report, stepOf(deps, current));
    const next = lost(current, stepOf(deps, current));
    return next === undefined || why === undefined ? next : { ...next, lostWhy: why };
  });
  const what = why === undefined ? how : `${how}: ${why}`;
  if (changed) note(deps, worker, report?.outcome ?? "lost", `${what}${await printed(deps, worker)}`);
}

/** A traceback and what led to it; a report's message is cut at 4,000 characters. */
const DEATH = { lines: 20, characters: 3_000 } as const;

/** Undefined where its pool or somebody else has ended it, and for a runner's worker, which speaks for itself. */
async function deathOf(
  deps: Deps,
  worker: Worker,
  container: ContainerState,
): Promise<WorkerReport | undefined> {
  if (worker.kind !== "program" || container.type !== "exited") return undefined;
  const { code, reason } = container;
  if (code === undefined || reason !== undefined || BY_OTHERS.has(code)) return undefined;
  const when =
    worker.lease === undefined ? whenWithoutJob(worker) : "in the middle of the job; it may be done in part";
  const lines = await lastWords(deps, worker, DEATH);
  const library = missingLibrary(lines.join("\n"));
  const advice = library === undefined ? "" : `It seems that ${libraryText(library)}. `;
  const last = lines.length === 0 ? "It printed nothing." : `${advice}Its last lines:\n${lines.join("\n")}`;
  return {
    outcome: "program-died",
    message: `its program ended with exit code ${code}${SIGNALS[code] ?? ""} ${when}. ${last}`,
    runnerExit: { code, signal: undefined },
    jobName: undefined,
    result: undefined,
  };
}

function whenWithoutJob({ bootId, phases }: Worker): string {
  return bootId === undefined && phases.listening === undefined
    ? "before it asked for a job"
    : "without a job";
}

/** KILL and TERM: the kernel for lack of memory, the engine, an operator. */
const BY_OTHERS: ReadonlySet<number> = new Set([137, 143]);

/** What the pool knows of it, for whoever owns the job. */
async function endOf(deps: Deps, worker: Worker, container: ContainerState): Promise<string | undefined> {
  if (container.type !== "exited") return undefined;
  const { reason, code } = container;
  if (reason !== undefined) return `its container ${reason}`;
  if (code === undefined) return undefined;
  const library = code === NOT_FOUND ? missingLibrary((await lastWords(deps, worker, DEATH)).join("\n")) : "";
  const end = `its container ended with exit code ${code}`;
  if (library) return `${end}: ${libraryText(library)}`;
  return `${end}${SIGNALS[code] ?? ""}`;
}

const NOT_FOUND = 127;

function libraryText(library: string): string {
  return `it lacks the shared library ${library}; put it into the image, or mount its folder and name that in LD_LIBRARY_PATH`;
}

/** Not every engine says so when the kernel's OOM killer was at work: Podman 4.3 reports the code alone. */
const SIGNALS: { readonly [code: number]: string } = {
  126: " (the program cannot be executed)",
  127: " (no such program)",
  134: " (SIGABRT)",
  137: " (SIGKILL: often for lack of memory)",
  139: " (SIGSEGV)",
  143: " (SIGTERM)",
};

/**
 * Its runner was never registered, so it had no job. Its own is told what the container printed, and what its pool says
 * that it waits for.
 */
export async function endUnready(deps: Deps, worker: Worker, container: ContainerState): Promise<void> {
  const { bootMs } = limitsOf(deps, worker.endpoint);
  const waits = container.type === "running" ? container.waits : undefined;
  const why = waits === undefined ? "" : `; it waits: ${waits}`;
  const isBooted = worker.state !== "starting";
  const what = isBooted ? "fell silent before its runner was registered" : "did not boot in time";
  const how = `${what}${why}${await printed(deps, worker)}`;
  const report: WorkerReport = {
    outcome: "runner-failed",
    message: `its worker ${how}${isBooted ? "" : ` (limits: boot: ${Math.round(bootMs / 1_000)}s)`}`,
    runnerExit: undefined,
    jobName: undefined,
    result: undefined,
  };
  const { changed } = await updateWorker(deps.stores.workers, worker.id, (current) =>
    // It may have gone further while its pool was asked.
    current.version === worker.version ? lost(current, stepOf(deps, current), clipReport(report)) : undefined,
  );
  if (changed) note(deps, worker, "lost", how);
}

async function printed(deps: Deps, worker: Worker): Promise<string> {
  const lines = await lastWords(deps, worker, { lines: 5 });
  return lines.length === 0 ? "" : `; its last words: ${lines.join(" | ")}`;
}

function note(deps: Deps, worker: Worker, reason: string, message: string): void {
  deps.log.warn("worker-ended", { worker: worker.id, job: worker.jobId, reason, message });
}

function stepOf(deps: Deps, worker: Worker) {
  return { now: deps.clock.now(), limits: limitsOf(deps, worker.endpoint) };
}
