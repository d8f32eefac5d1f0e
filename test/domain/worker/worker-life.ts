// All that can happen to a worker, in any order, for the properties of its steps.
import fc from "fast-check";
import type { Worker, WorkerPhase } from "../../../shared/domain/worker/worker.ts";
import {
  draining,
  finished,
  lost,
  registering,
  released,
  reported,
  serving,
  started,
  taken,
} from "../../../shared/domain/worker/worker-steps.ts";
import { aReport, aWorker, LIMITS, T0 } from "../builders.ts";

type Step = Parameters<typeof lost>[1];
/** Undefined: refused, or no news. */
export type Happening = (worker: Worker, step: Step) => Worker | undefined;

const PHASES: readonly WorkerPhase[] = ["preflight", "registering", "listening", "running"];

export function happenings(): fc.Arbitrary<Happening[]> {
  return fc.array(happening(), { maxLength: 12 });
}

/** A worker after some of it. */
export function lifeOfWorker(): fc.Arbitrary<Worker> {
  return happenings().map((all) => livedThrough(all).at(-1) as Worker);
}

/** The worker before and after each happening, one second apart. */
export function livedThrough(all: readonly Happening[]): Worker[] {
  const lives = [aWorker()];
  for (const [index, happen] of all.entries()) {
    const worker = lives.at(-1) as Worker;
    lives.push(happen(worker, { now: T0 + 1_000 * (index + 1), limits: LIMITS }) ?? worker);
  }
  return lives;
}

function happening(): fc.Arbitrary<Happening> {
  const of = (...happen: Happening[]) => fc.constantFrom(...happen);
  // Only a worker that has taken its job knows what to say.
  const ping = fc.constantFrom(...PHASES).map(
    (phase): Happening =>
      (worker, step) =>
        worker.bootId === undefined ? undefined : reported(worker, { phase, jobName: "build" }, step),
  );
  const take = fc.constantFrom("boot-1", "boot-2").map(
    (boot): Happening =>
      (worker, step) => {
        const outcome = taken(worker, boot, step);
        return outcome.type === "taken" ? outcome.worker : undefined;
      },
  );
  return fc.oneof(
    { weight: 4, arbitrary: ping },
    { weight: 3, arbitrary: take },
    { weight: 2, arbitrary: of(started, registering) },
    { weight: 1, arbitrary: of(lost, (worker, step) => finished(worker, aReport(), step)) },
    { weight: 1, arbitrary: of((worker, step) => draining(worker, "surplus", step)) },
    { weight: 1, arbitrary: of((worker) => serving(worker, worker.jobId), release) },
  );
}

/** As the use case does: only a worker that has ended is released. */
function release(worker: Worker): Worker | undefined {
  return worker.state === "finished" || worker.state === "lost" ? released(worker) : undefined;
}
