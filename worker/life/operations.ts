// Performs the effects of a worker's lifecycle; what an operation ends in is the next event.

import type { WorkerReport } from "../../shared/domain/worker-report.ts";
import { describeFault } from "../describe-fault.ts";
import { deliverReport, jobDoneBody } from "../dispatcher/deliver-report.ts";
import { keepResult } from "../dispatcher/left-result.ts";
import { removeRegistration } from "./configure-runner.ts";
import { type RunnerEars, runRunner } from "./run-runner.ts";
import { checkCards, configure, register, setupOf, takeJob } from "./start-steps.ts";
import type { WorkerRun } from "./worker-run.ts";
import type { WorkerEffect, WorkerEvent } from "./worker-state.ts";

type Operation = Exclude<WorkerEffect, { type: "exit" }>;

export type Operations = {
  /** Rejects on a fault of the worker only. */
  perform(effect: Operation): Promise<void>;
  /** Ends every timer. */
  close(): void;
};

type Emit = (event: WorkerEvent) => void;

export function createOperations(run: WorkerRun, abandon: () => void, emit: Emit): Operations {
  const { clock, learnt } = run;
  const closed = new AbortController();
  const grace = createGrace(run, closed.signal, emit);
  let finishing = new AbortController();
  const ears: RunnerEars = {
    onMarker: (marker) => emit({ type: "marker", marker }),
    onHook: (news) => emit({ type: "hook", news }),
  };

  return { perform, close: () => closed.abort() };

  async function perform(effect: Operation): Promise<void> {
    switch (effect.type) {
      case "take":
        return emit(await takeJob(run));
      case "preflight":
        return emit(await orFailed(run, checkCards(run)));
      case "register":
        return emit(await orFailed(run, register(run)));
      case "configure":
        return emit(await orFailed(run, configure(run)));
      case "start-runner":
        return emit(await orFailed(run, runRunner(run, ears)));
      case "deregister":
        return emit(await deregister(run, effect.report, finishing.signal));
      case "report":
        finishing = new AbortController();
        return emit(await report(run, effect.report, finishing.signal));
      default:
        return await act(effect);
    }
  }

  /** Effects that end in no event of their own. */
  async function act(effect: Exclude<Operation, { type: Answered }>): Promise<void> {
    switch (effect.type) {
      case "ping":
        return run.heartbeats.beat({ jobId: learnt.jobId, ...effect.heartbeat });
      case "abandon":
        return abandon();
      case "interrupt-runner":
        learnt.interrupted.abort();
        return learnt.runner?.interrupt();
      case "kill-runner":
        return await learnt.runner?.kill();
      case "refuse-drain":
        return run.log.info("drain-refused", { reason: effect.reason, message: "The runner has a job." });
      case "arm-grace":
        return await grace(effect.ms);
      case "hurry":
        await clock.sleep(effect.ms, closed.signal);
        return finishing.abort();
    }
  }
}

/** Arms the grace; armed again, the one before counts no more. */
function createGrace({ clock }: WorkerRun, closed: AbortSignal, emit: Emit): (ms: number) => Promise<void> {
  let armed = new AbortController();
  return async function armGrace(ms) {
    armed.abort();
    const own = new AbortController();
    armed = own;
    await clock.sleep(ms, AbortSignal.any([own.signal, closed]));
    if (!own.signal.aborted && !closed.aborted) emit({ type: "grace-over" });
  };
}

type Answered = "take" | "preflight" | "register" | "configure" | "start-runner" | "deregister" | "report";

/** What cannot even be tried (no space, too many files) is a failed start and is reported as one. */
async function orFailed(run: WorkerRun, step: Promise<WorkerEvent>): Promise<WorkerEvent> {
  try {
    return await step;
  } catch (error) {
    run.log.error("step-fault", { message: "A step of the start failed.", error });
    return { type: "start-failed", outcome: "runner-failed", message: describeFault(error) };
  }
}

async function deregister(run: WorkerRun, report: WorkerReport, signal: AbortSignal): Promise<WorkerEvent> {
  await keepResult({ ...run, ...run.config }, jobDoneBody(masked(run, report)));
  if (run.learnt.github) await removeRegistration(setupOf(run), run.learnt.github, signal);
  return { type: "deregistered" };
}

async function report(run: WorkerRun, report: WorkerReport, signal: AbortSignal): Promise<WorkerEvent> {
  const { config, heartbeats, learnt, log } = run;
  await heartbeats.stop();
  log.info("worker-report", { job: learnt.jobId, state: report.outcome, message: report.message });
  await deliverReport({ ...run, ...config }, learnt.jobId, masked(run, report), signal);
  return { type: "reported" };
}

/** config.sh's last words may hold anything. */
function masked({ secrets }: WorkerRun, report: WorkerReport): WorkerReport {
  return { ...report, message: secrets.mask(report.message) };
}
