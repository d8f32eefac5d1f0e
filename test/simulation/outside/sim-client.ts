// A client of the API with one job: it asks until it is answered, may cancel, and sends a job that failed once more.

import type { JobId } from "../../../shared/domain/ids.ts";
import type { ApiCaller } from "../../../shared/domain/job/api-job.ts";
import type { Job, JobState } from "../../../shared/domain/job/job.ts";
import type { WorkflowRunWord } from "../../../shared/ports/github.ts";
import type { ApiDeps } from "../../../shared/usecases/client-plane/api-deps.ts";
import { cancelJob } from "../../../shared/usecases/client-plane/cancel-job.ts";
import { statusOf } from "../../../shared/usecases/client-plane/job-status.ts";
import { retryJob } from "../../../shared/usecases/client-plane/retry-job.ts";
import { runJob } from "../../../shared/usecases/client-plane/run-job.ts";
import type { Watch } from "../checks/watch.ts";
import type { Draw } from "../engine/draw.ts";
import type { Line } from "../engine/line.ts";
import type { Timeline } from "../engine/timeline.ts";
import type { PlannedAsk } from "../plan/planned.ts";
import type { SimJob } from "./github-things.ts";
import type { GithubWorld } from "./github-world.ts";
import type { ProgramInput } from "./sim-program.ts";
import { workflowJob } from "./workflow-job.ts";

export type SimClient = {
  readonly ask: PlannedAsk;
  readonly caller: ApiCaller;
  readonly endpoint: string;
  /** Undefined until it was told. */
  readonly id: JobId | undefined;
  /** It wants its job no more, or has its result. */
  readonly isDone: boolean;
  /** Its workflow run, where it is one. */
  readonly run: WorkflowRunWord | undefined;
  cancel(): void;
  /** Somebody ends its run. */
  endRun(): void;
  /** Its job has come to an end here. */
  ended(job: Job): void;
  /** The step that its runner was asked for, where it is one. */
  readonly step: SimJob | undefined;
};

export type SimClientOptions = {
  readonly ask: PlannedAsk;
  readonly caller: ApiCaller;
  readonly endpoint: string;
  readonly repository: SimJob["base"]["repository"];
  readonly line: Line<ApiDeps>;
  readonly timeline: Timeline;
  readonly draw: Draw;
  readonly github: GithubWorld;
  readonly watch: Watch;
  readonly onTold: (id: JobId) => void;
};

const SECOND = 1_000;
const LOOK_MS = 30 * SECOND;
const RETRIED: ReadonlySet<JobState> = new Set(["FAILED", "TIMED_OUT"]);
/** It gives up then: longer than any fault lasts. */
const PATIENCE_MS = 4 * 3_600_000;

export function createSimClient(options: SimClientOptions): SimClient {
  const { ask, caller, endpoint, repository, line, timeline, draw, github, watch, onTold } = options;
  const { askUntil, pause } = line;
  let id: JobId | undefined;
  let step: SimJob | undefined;
  let isDone = false;
  let wantsEnd = false;
  let retries = 0;
  let retryCalls = 0;
  let isSending = false;
  let run: WorkflowRunWord | undefined = caller.run && {
    status: "in_progress",
    conclusion: undefined,
    runAttempt: 1,
  };
  void begin();
  return {
    ask,
    caller,
    endpoint,
    get id() {
      return id;
    },
    get isDone() {
      return isDone;
    },
    get run() {
      return run;
    },
    get step() {
      return step;
    },
    cancel,
    endRun() {
      if (id !== undefined) watch.asksEnd(id);
      wantsEnd = true;
      close("cancelled");
    },
    ended: (job) => timeline.after(draw.between(SECOND, 20 * SECOND), () => void settle(job)),
  };

  async function begin(): Promise<void> {
    const { name, runMs, fails } = ask;
    const input: ProgramInput = { name, runMs, fails };
    const body = {
      input,
      ...(ask.hasCallback && { webhook: `https://client.example/${name}` }),
      ...(ask.ttlMs !== undefined && { policy: { ttl: ask.ttlMs } }),
    };
    const call = { body, rawHash: `${name}-of-this-run`, kind: "async", idempotencyKey: name } as const;
    const job = await askUntil(PATIENCE_MS, async (deps) => {
      const outcome = await runJob(deps, caller, endpoint, call);
      if (outcome.type === "accepted" || outcome.type === "repeated") return outcome.job;
      throw new TypeError(`/run was answered ${outcome.type}`);
    });
    if (job === undefined) return;
    id = job.id;
    onTold(job.id);
    if (wantsEnd) watch.asksEnd(job.id);
    else if (job.api?.runner !== undefined) await queueStep(job.api.runner.label);
  }

  /** The later job of the same workflow run, which asks for the runner's own label. */
  async function queueStep(label: string): Promise<void> {
    await pause(draw.between(2 * SECOND, 40 * SECOND));
    if (isDone || wantsEnd) return;
    const workflowJobId = github.nextId();
    const about = { id: workflowJobId, runId: caller.run?.runId ?? workflowJobId, name: ask.name };
    const base = {
      ...workflowJob({ ...about, createdAt: timeline.now() }),
      repository,
      labels: ["self-hosted", label],
    };
    const { runMs, fails } = ask;
    step = github.create({ base, status: "queued", runMs, fails, isOurs: true });
    if (draw.chance(0.7)) await terminateAfter(step);
  }

  /** The workflow's last step gives the runner up, whether that has ended by itself or not. */
  async function terminateAfter(its: SimJob): Promise<void> {
    while (its.status !== "completed" && !isDone) await pause(LOOK_MS);
    if (!isDone) cancel();
  }

  /** Also the terminating step of a workflow. */
  function cancel(): void {
    wantsEnd = true;
    if (id !== undefined) void askEnd(id);
  }

  async function askEnd(job: JobId): Promise<void> {
    watch.asksEnd(job);
    const status = await askUntil(PATIENCE_MS, async (deps) =>
      nullable(await cancelJob(deps, caller, endpoint, job)),
    );
    if (status !== undefined && status !== null) expectEnd(status.status);
  }

  /** Whoever was told of an end is told of no other. */
  async function settle(job: Job): Promise<void> {
    const lives = job.api?.retries ?? 0;
    // The end of a life before, or of one that it does not know of yet: it is about to hear of its call for it.
    if (isDone || isSending || lives < retries) return;
    retries = lives;
    const status = await askUntil(PATIENCE_MS, async (deps) =>
      nullable(await statusOf(deps, caller, endpoint, job.id)),
    );
    const told = status?.status ?? job.state;
    // One of its calls whose answer was lost has sent it again meanwhile: the end of that life comes.
    if (told !== job.state && retryCalls > lives) return;
    expectSame(job, told);
    if (RETRIED.has(job.state) && !wantsEnd && retries < ask.retries && status !== null)
      return sendAgain(job.id);
    close("success");
  }

  async function sendAgain(job: JobId): Promise<void> {
    await pause(draw.between(SECOND, 120 * SECOND));
    retries++;
    isSending = true;
    const outcome = await askUntil(PATIENCE_MS, async (deps) => {
      retryCalls++;
      watch.asksRetry(job);
      return nullable(await retryJob(deps, caller, endpoint, job));
    });
    if (outcome === undefined || outcome?.type === "retried") {
      isSending = false;
      return;
    }
    // Sent again by a call whose answer was lost; or forgotten meanwhile, or its input is.
    const status = await askUntil(PATIENCE_MS, async (deps) =>
      nullable(await statusOf(deps, caller, endpoint, job)),
    );
    isSending = false;
    if (status?.status !== "IN_QUEUE" && status?.status !== "IN_PROGRESS") close("failure");
  }

  /** The end of its run. A step that nobody has begun is given up with it. */
  function close(conclusion: string): void {
    isDone = true;
    if (run !== undefined) run = { ...run, status: "completed", conclusion };
    if (step?.hasBegun === false) github.cancel(step);
  }

  function expectSame({ id: job, state }: Job, told: string): void {
    if (told !== state) watch.broken("result-changed", `${job} was ${state}, and its client is told ${told}`);
  }

  function expectEnd(state: string): void {
    const ends: readonly (JobState | string)[] = ["CANCELLED", "COMPLETED", "FAILED", "TIMED_OUT"];
    if (!ends.includes(state))
      watch.broken("wrong-result", `${id} was cancelled, and is told to be ${state}`);
  }
}

/** An answer, though it says that there is nothing. */
function nullable<T>(answer: T | undefined): T | null {
  return answer ?? null;
}
