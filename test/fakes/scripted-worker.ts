// A worker's part, played step by step through the use cases: take, register, listen, run, report; drains when asked.
import { REPORT_RETRY_MS } from "../../shared/domain/deadlines.ts";
import type { EpochMs, WorkerId } from "../../shared/domain/ids.ts";
import type { WorkerOutcome, WorkerReport } from "../../shared/domain/worker-report.ts";
import type { WorkerClaims } from "../../shared/ports/worker-token.ts";
import type { RegistrationAnswer } from "../../shared/protocol/worker-plane.ts";
import type { Deps } from "../../shared/usecases/deps.ts";
import { finishWorker } from "../../shared/usecases/worker-plane/finish-worker.ts";
import { recordPing } from "../../shared/usecases/worker-plane/record-ping.ts";
import { registerRunner } from "../../shared/usecases/worker-plane/register-runner.ts";
import { takeJob } from "../../shared/usecases/worker-plane/take-job.ts";
import { aReport } from "../domain/builders.ts";
import type { FakeGithub } from "./fake-github.ts";
import type { FakePool } from "./fake-pool.ts";
import type { ProgramScript } from "./scripted-program.ts";

export type WorkerScript = {
  /** How long its job runs. */
  readonly jobMs: number;
  /** Ends so before it asks for its registration. */
  readonly failsWith?: WorkerOutcome | undefined;
  readonly registration: "token" | "jit";
  /** Boots, but never makes a call. */
  readonly mute?: boolean;
  /** Plays a program instead. */
  readonly program?: ProgramScript;
};

export type ScriptedWorker = {
  readonly id: WorkerId;
  readonly stage: Stage;
  /** One look at the world: at most one stage further, or the same call again when the dispatcher did not answer. */
  step(): Promise<void>;
};

type Stage = "boot" | "preflight" | "registered" | "listening" | "running" | "reporting" | "ended";

type Around = {
  readonly deps: Deps;
  readonly github: FakeGithub;
  readonly pool: FakePool;
  /** Of its token. */
  readonly claims: WorkerClaims;
};

export function createScriptedWorker(id: WorkerId, script: WorkerScript, around: Around): ScriptedWorker {
  const { deps, github, pool, claims } = around;
  let stage: Stage = "boot";
  let labels: readonly string[] = [];
  let jobIds: readonly string[] = [];
  let job: { readonly id: number; readonly startedAt: EpochMs } | undefined;
  let report: WorkerReport | undefined;
  let reportingSince: EpochMs | undefined;

  const stages: { readonly [name in Stage]: () => Promise<void> } = {
    boot,
    preflight,
    registered: listen,
    listening: idle,
    running: run,
    reporting: hand,
    ended: async () => {},
  };
  return {
    id,
    get stage() {
      return stage;
    },
    step: () => (script.mute === true ? Promise.resolve() : stages[stage]()),
  };

  async function boot(): Promise<void> {
    const taken = await takeJob(deps, id, `boot-of-${id}`);
    if (taken.type === "nothing") return exit();
    labels = taken.settings.labels;
    jobIds = [taken.job.id];
    stage = "preflight";
  }

  async function preflight(): Promise<void> {
    if (script.failsWith !== undefined) return end(script.failsWith, "as its script says");
    if (await asksToDrain("preflight")) return end("cancelled", "asked to drain before it registered");
    const outcome = await registerRunner(deps, id, `boot-of-${id}`, script.registration);
    if (outcome.type === "refused") return end("registration-refused", outcome.message);
    if (outcome.type === "registered") configure(outcome.answer);
  }

  function configure(answer: RegistrationAnswer): void {
    if (answer.type === "token") github.register(answer.token, { name: id, labels });
    stage = "registered";
  }

  async function listen(): Promise<void> {
    github.connect(id);
    stage = "listening";
    await asksToDrain("listening");
  }

  /** GitHub's word comes first: a worker whose runner has a job refuses to drain. */
  async function idle(): Promise<void> {
    const given = github.runners.get(id)?.job;
    if (given !== undefined) {
      job = { id: given, startedAt: deps.clock.now() };
      stage = "running";
      await asksToDrain("running");
      return;
    }
    if (!(await asksToDrain("listening"))) return;
    const runner = await removeOwn();
    end("idle", runner ? "asked to drain" : "GitHub had removed its runner");
  }

  async function removeOwn(): Promise<boolean> {
    const runner = github.runners.get(id);
    if (runner === undefined) return false;
    // A just-in-time runner is given nothing to remove its registration with.
    if (script.registration === "jit") return true;
    await github.deleteRunner(
      { owner: { login: "", type: "Organization" }, installationId: 0 },
      runner.scope,
      runner.id,
    );
    return true;
  }

  async function run(): Promise<void> {
    if (job === undefined) throw new Error("a worker runs without a job");
    const ended = github.jobs.get(job.id)?.status === "completed";
    if (!ended && deps.clock.now() - job.startedAt < script.jobMs) {
      await asksToDrain("running");
      return;
    }
    if (!ended) github.complete(job.id);
    report = aReport();
    stage = "reporting";
    await hand();
  }

  /** As a real worker: tries for ten minutes, then leaves its word with the pool. */
  async function hand(): Promise<void> {
    if (report === undefined) return;
    reportingSince ??= deps.clock.now();
    try {
      await finishWorker(deps, id, report);
    } catch (error) {
      if (deps.clock.now() - reportingSince < REPORT_RETRY_MS) throw error;
    }
    exit(JSON.stringify({ output: report }));
  }

  function end(outcome: WorkerOutcome, message: string): void {
    report = aReport({ outcome, message });
    stage = "reporting";
  }

  function exit(result?: string): void {
    stage = "ended";
    if (pool.running().includes(id)) pool.exit(id, 0, result);
  }

  async function asksToDrain(phase: "preflight" | "listening" | "running"): Promise<boolean> {
    return (await recordPing(deps, id, { phase, jobName: undefined, jobIds }, claims)) !== undefined;
  }
}
