// What one container does: takes its job, registers, listens, runs, reports. A container that has ended does nothing more.
import { REPORT_RETRY_MS } from "../../../shared/domain/deadlines.ts";
import type { JobId, WorkerId } from "../../../shared/domain/ids.ts";
import { endpointName, tenantId } from "../../../shared/domain/ids.ts";
import type { StartedJob } from "../../../shared/domain/started-job.ts";
import type { WorkerPhase } from "../../../shared/domain/worker/worker.ts";
import type { WorkerOutcome, WorkerReport } from "../../../shared/domain/worker-report.ts";
import type { WorkerClaims } from "../../../shared/ports/worker-token.ts";
import type { Deps } from "../../../shared/usecases/deps.ts";
import { finishWorker } from "../../../shared/usecases/worker-plane/finish-worker.ts";
import { recordPing } from "../../../shared/usecases/worker-plane/record-ping.ts";
import { registerRunner } from "../../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../../shared/usecases/worker-plane/take-job.ts";
import type { Draw } from "../engine/draw.ts";
import { createLine } from "../engine/line.ts";
import type { Timeline } from "../engine/timeline.ts";
import type { Trace } from "../engine/trace.ts";
import type { Weather } from "../engine/weather.ts";
import type { GithubCalls } from "./github-calls.ts";
import type { SimJob } from "./github-things.ts";
import type { GithubWorld } from "./github-world.ts";
import type { Container, SimPool } from "./sim-pool.ts";

export type SimWorker = {
  readonly container: Container;
  readonly step: Step;
  readonly isWedged: boolean;
  /** Its runner is a process here that GitHub reaches. */
  readonly hasRunner: boolean;
  /** The job of the API's that it works on; of programs only. */
  readonly work: Work | undefined;
  /** Hangs for ever; so does its runner unless `runnerGoesOn`. */
  wedge(runnerGoesOn: boolean): void;
  /** Its calls get no answer for this long. */
  cutOff(ms: number): void;
  /** Its container has ended. */
  die(): void;
};

/** `retries`: how often it was sent once more before. */
export type Work = { readonly job: JobId; readonly retries: number };

type Step = "booting" | "preflight" | "registering" | "listening" | "running" | "reporting";

export type SimWorkerOptions = {
  readonly container: Container;
  readonly bootMs: number;
  readonly bootId: string;
  readonly registration: "token" | "jit";
  /** Its runner's hook tells what it was given. */
  readonly hasHooks: boolean;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly weather: Weather;
  readonly draw: Draw;
  readonly pool: SimPool;
  readonly world: GithubWorld;
  /** Its runner listens, and is interrupted. */
  readonly onDrain: (reason: string) => void;
  readonly github: GithubCalls;
  readonly call: <T>(useCase: (deps: Deps) => Promise<T>) => Promise<T>;
};

const SECOND = 1_000;
/** A worker pings every 10 s and is missed after 100 s: seldom enough here, often enough to be seen. */
const PING_MS = 45 * SECOND;
const TAKE_LIMIT_MS = 5 * 60 * SECOND;
const REGISTER_LIMIT_MS = 2 * 60 * SECOND;

export function createSimWorker(options: SimWorkerOptions): SimWorker {
  const { container, bootMs, bootId, hasHooks, timeline, trace, weather, draw, pool, world, github, call } =
    options;
  const id: WorkerId = container.id;
  const claims = claimsOf(container);
  const line = createLine({ timeline, draw, call, isOver });
  const { ask, askUntil, pause } = line;
  let step: Step = "booting";
  let isWedged = false;
  let phase: WorkerPhase = "preflight";
  let jobName: string | undefined;
  let jobIds: readonly string[] = [];
  let started: StartedJob | undefined;
  let isConnected = false;
  let asks = 0;
  void pause(bootMs).then(boot);
  return {
    container,
    get step() {
      return step;
    },
    get isWedged() {
      return isWedged;
    },
    get hasRunner() {
      return isConnected;
    },
    work: undefined,
    wedge(runnerGoesOn) {
      isWedged = true;
      if (!runnerGoesOn) leave();
    },
    cutOff: line.cutOff,
    die: leave,
  };

  /** Its runner's process is gone, if it ever was there. */
  function leave(): void {
    if (isConnected) world.disconnect(id);
    isConnected = false;
  }

  async function boot(): Promise<void> {
    const taken = await askUntil(TAKE_LIMIT_MS, async (deps) => takeJob(deps, id, bootId));
    if (taken === undefined || taken.type === "nothing") return exit(3);
    step = "preflight";
    jobIds = [taken.job.id];
    await ping("preflight");
    await pause(draw.between(1 * SECOND, 15 * SECOND));
    if (weather.strikes("dead-card", id))
      return report("preflight-failed", "E_HEALTH: card 0 is not healthy");
    step = "registering";
    await ping("registering");
    if (step === "registering") await register(taken.settings.labels);
  }

  async function register(labels: readonly string[]): Promise<void> {
    const answer = await askUntil(REGISTER_LIMIT_MS, async (deps) => {
      const outcome = await registerRunner(deps, id, bootId, options.registration, ++asks);
      return outcome.type === "later" ? undefined : outcome;
    });
    if (answer === undefined) return report("registration-refused", "GitHub said later for too long");
    if (answer.type === "refused") return report("registration-refused", answer.message);
    if (answer.answer.type === "token" && !(await configure(answer.answer.token, labels))) {
      return report("config-failed", "config.sh was refused");
    }
    await pause(draw.between(1 * SECOND, 4 * SECOND));
    if (step === "registering") await listen();
  }

  /** What config.sh does; false when GitHub refuses. */
  async function configure(token: string, labels: readonly string[]): Promise<boolean> {
    await pause(draw.between(2 * SECOND, 5 * SECOND));
    const scope = github.redeem(token);
    if (scope !== undefined) world.register(id, scope, labels);
    return scope !== undefined;
  }

  async function listen(): Promise<void> {
    step = "listening";
    // A runner that is given nothing and never ends by itself, actions/runner#4617.
    if (!weather.strikes("ghost-runner", id)) {
      isConnected = true;
      world.connect(id, { run, end, removed });
    }
    await ping("listening");
    beat();
  }

  function run(job: SimJob): void {
    step = "running";
    jobName = job.base.name;
    void ping("running");
    // The runner's hook has begun a moment later.
    if (hasHooks) timeline.after(draw.between(500, 3 * SECOND), () => void tellStarted(job));
  }

  function tellStarted({ base }: SimJob): void {
    if (isOver() || step !== "running") return;
    const { repository, runId, runAttempt } = base;
    const name = `${repository.owner.login}/${repository.name}`;
    const workflowRef = `${name}/.github/workflows/ci.yml@refs/heads/main`;
    const about = { runId, runAttempt, job: base.name, workflowRef, event: "push" };
    started = { repository: name, repositoryId: repository.id, ...about };
    void ping("running");
  }

  function end(job: SimJob): void {
    void report("ran", `Ran ${job.base.name}: result ${job.conclusion}.`);
  }

  function removed(): void {
    if (step === "listening")
      void report("idle", "The runner listened and ended without a job: GitHub removed it.");
  }

  function beat(): void {
    timeline.after(PING_MS, () => {
      if (isOver() || step === "reporting") return;
      void ping(phase);
      beat();
    });
  }

  /** A ping that fails is of no consequence. */
  async function ping(now: WorkerPhase): Promise<void> {
    phase = now;
    const drain = await ask((deps) => recordPing(deps, id, { phase: now, jobName, jobIds, started }, claims));
    if (drain?.answer !== undefined) drainFor(drain.answer);
  }

  /** Only the worker knows whether its runner has a job: then it refuses. */
  function drainFor(reason: string): void {
    if (step === "running" || step === "reporting") return;
    trace.note("worker", "drains", id, reason);
    const outcome = step === "listening" ? "idle" : "cancelled";
    if (isConnected) options.onDrain(reason);
    leave();
    void report(outcome, `Ended without a job, as asked (${reason}).`);
  }

  async function report(outcome: WorkerOutcome, message: string): Promise<void> {
    if (step === "reporting") return;
    step = "reporting";
    const body: WorkerReport = { outcome, message, runnerExit: undefined, jobName, result: undefined };
    await pause(draw.between(200, 3 * SECOND));
    const heard = await askUntil(REPORT_RETRY_MS, async (deps) => {
      await finishWorker(deps, id, body);
      return true;
    });
    await pause(draw.between(100, 2 * SECOND));
    exit(
      outcome === "ran" || outcome === "idle" ? 0 : 80,
      heard === true ? undefined : JSON.stringify({ output: body }),
    );
  }

  function isOver(): boolean {
    return isWedged || container.state !== "alive";
  }

  function exit(code: number, result?: string): void {
    pool.exit(container, code, result);
  }
}

/** What its token says. */
export function claimsOf({ id, spec, pool }: Container): WorkerClaims {
  return {
    worker: id,
    pool: pool.name,
    endpoint: endpointName(spec.endpoint),
    tenant: tenantId(spec.tenant),
  };
}
