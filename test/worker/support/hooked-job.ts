// A worker process whose runner runs one job as actions/runner does, hooks included; the job is the test's.
import { join, resolve } from "node:path";
import type { ContainerSettings, PolicySettings } from "../../../shared/protocol/worker-plane.ts";
import type { PlannedStep } from "../../fakes/github/records.ts";
import { type DispatcherStub, startDispatcher } from "./dispatcher-stub.ts";
import { type StartedWorker, startWorker, type WorkerOptions } from "./start-worker.ts";

export const ACME: PolicySettings = { owner: "acme", forks: "refuse" };
/** Of the repository that the stand-in's job is of. */
const REPOSITORY_ID = 81;
const RUN_JOB = resolve(import.meta.dirname, "../../fixtures/programs/run-job.mjs");

export type HookedJob = {
  readonly event?: string;
  /** Of the event, beside `repository`. */
  readonly payload?: unknown;
  readonly workflowRef?: string;
  /** Lines of its one step; or its steps, where conditions and actions' pre and post matter. */
  readonly steps?: readonly string[] | readonly PlannedStep[];
  /** See createContainers of the runner stand-in. */
  readonly container?: unknown;
  readonly services?: readonly { readonly image: string }[];
  readonly dockerAction?: string;
  readonly shell?: string;
  readonly env?: { readonly [name: string]: string };
  readonly prependPath?: readonly string[];
  readonly workingDirectory?: string;
};

export type HookedOptions = WorkerOptions & {
  readonly policy?: PolicySettings | undefined;
  readonly containers?: ContainerSettings;
  readonly job?: HookedJob;
  /** Before the worker has come to its runner. */
  readonly prepare?: (worker: StartedWorker, dispatcher: DispatcherStub) => void;
};

export type HookedRun = {
  readonly worker: StartedWorker;
  readonly dispatcher: DispatcherStub;
  /** Names and conclusions of the job's steps. */
  readonly steps: readonly string[];
  /** What GitHub was told of the job; undefined: nothing. */
  readonly conclusion: string | undefined;
  /** What the job printed. */
  readonly lines: readonly string[];
  readonly message: string;
  /** A file that the job left in its workspace. */
  left(name: string): string | undefined;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Resolves when the worker has ended. */
export async function runHookedJob(options: HookedOptions = {}): Promise<HookedRun> {
  const { policy, containers, job = {}, prepare, env, ...rest } = options;
  const settings = { ...(policy && { policy }), ...(containers && { containers }) };
  const dispatcher = await startDispatcher({ registration: "jit", ...settings });
  const worker = startWorker(dispatcher, {
    run: "run-job.sh",
    ...rest,
    env: {
      TEST_RUN_JOB: RUN_JOB,
      TEST_JOB: JSON.stringify(jobOf(job)),
      ...env,
      WORKER_PASS_ENV: ["TEST_RUN_JOB", "TEST_JOB", env?.["WORKER_PASS_ENV"]].join(),
    },
  });
  prepare?.(worker, dispatcher);
  await worker.exit;
  const printed = runnerLines(worker.output());
  const marked = (mark: string) =>
    printed.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
  return {
    worker,
    dispatcher,
    steps: marked("[step] "),
    conclusion: marked("[end] ")[0],
    lines: marked("[job] "),
    message: String((dispatcher.dones[0]?.output as { message?: unknown } | undefined)?.message),
    left: (name) => worker.file(join("_work/kernels/kernels", name)),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await dispatcher[Symbol.asyncDispose]();
    },
  };
}

/** `head`: the repository of the branch; null when that is gone. */
export function pullFrom(head: { readonly id: number; readonly name: string } | null): unknown {
  const repo = head && { id: head.id, full_name: head.name, fork: true };
  return { pull_request: { head: { repo }, base: { repo: { id: REPOSITORY_ID } } } };
}

const payloadOf = (id: number, name: string) => ({ event: "pull_request", payload: pullFrom({ id, name }) });
export const OWN_BRANCH: HookedJob = payloadOf(REPOSITORY_ID, "acme/kernels");
export const FORK: HookedJob = payloadOf(6_666, "eve/kernels");

function jobOf(job: HookedJob) {
  const { event = "push", payload, workflowRef, steps = ["echo step > stepped"], ...rest } = job;
  const lines = steps.filter((step) => typeof step === "string");
  const work = lines.length > 0 ? { script: lines } : { steps };
  return { ...rest, ...work, run: { id: 7_001, number: 3, attempt: 2, event, payload, workflowRef } };
}

function runnerLines(output: string): string[] {
  return output
    .split("\n")
    .filter((line) => line.includes('"runner-line"'))
    .map((line) => String((JSON.parse(line) as { message?: unknown }).message));
}
