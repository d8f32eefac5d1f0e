// The steps before the runner: take, preflight, register, configure. Each answers with the event that it ends in.
import { join } from "node:path";
import { askUntil } from "../dispatcher/ask-until.ts";
import type { RegisterAnswer } from "../dispatcher/runpod-client.ts";
import { type HookSpec, installHooks } from "../hooks/hooks.ts";
import { runPreflight } from "../preflight/preflight.ts";
import { runProbe } from "../preflight/run-probe.ts";
import { configLacks } from "../runner/config-needs.ts";
import { followDiagLogs } from "../runner/diag-logs.ts";
import { createGitHubClient } from "../runner/github-client.ts";
import { runnerEnvironment } from "../runner/runner-env.ts";
import { prepareRunnerHome } from "../runner/runner-home.ts";
import { inputSecrets, planRunner } from "../runner/runner-plan.ts";
import { prepareServiceCache } from "../runner/service-cache.ts";
import { REGISTER_LIMIT_MS, TAKE_LIMIT_MS } from "../time-limits.ts";
import { configureRunner, type RunnerSetup } from "./configure-runner.ts";
import type { FailedStart } from "./worker-end.ts";
import { planOf, type WorkerRun } from "./worker-run.ts";
import type { WorkerEvent } from "./worker-state.ts";

export async function takeJob(run: WorkerRun): Promise<WorkerEvent> {
  const { client, config, learnt, log, preparing, secrets } = run;
  const onLater = (message: string, ms: number) => log.info("take-delayed", { message, ms });
  const answer = await askUntil({ ...run, limitMs: TAKE_LIMIT_MS, signal: preparing, onLater }, () =>
    client.take(preparing),
  );
  if (answer.type === "refused") {
    log.warn("no-job", { worker: config.workerId, message: answer.message });
    return { type: "no-job" };
  }
  const { job } = answer;
  learnt.jobId = job.id;
  for (const secret of inputSecrets(job)) secrets.add(secret);
  log.info("job-taken", { job: job.id, worker: config.workerId });
  const planned = planRunner(job, config, run.host.user !== undefined);
  if (!planned.ok) return failed("registration-refused", planned.message);
  learnt.plan = planned.plan;
  return { type: "taken" };
}

export async function checkCards(run: WorkerRun): Promise<WorkerEvent> {
  const { cards } = planOf(run);
  const command = run.config.preflightCommand;
  let result = await runPreflight(run, cards, run.preparing);
  if (result.ok && cards > 0 && command !== undefined) {
    const probed = await runProbe(run.run, command, run.preparing);
    if (!probed.ok && probed.code === undefined) return failed("config-failed", probed.message);
    result = probed;
  }
  if (!result.ok) run.log.error("preflight-failed", { reason: result.code, message: result.message });
  return { type: "preflight-done", result };
}

export async function register(run: WorkerRun): Promise<WorkerEvent> {
  const { config, clock, host, learnt, log, preparing } = run;
  const { source, policy, containers } = planOf(run);
  // The folder first: a runner that cannot start must cost no registration.
  const home = await prepareRunnerHome({ ...config, host, env: run.env }, run.run);
  if (!home.ok) return failed("no-runner", home.message);
  const needsConfig = source.type === "github" || source.kind === "token";
  const lacks = needsConfig ? await configLacks(home.path, run.run) : undefined;
  if (lacks !== undefined) return failed("no-runner", lacks);
  learnt.home = home.path;
  learnt.serviceCache = await prepareServiceCache({ home: home.path, env: run.env, host, clock });
  const installed = await installHooks({
    home: home.path,
    ...hookPlace(run),
    env: run.env,
    policy,
    containers,
  });
  if (!installed.ok) return failed("no-runner", installed.message);
  learnt.hooks = installed.hooks;
  learnt.diag = await followDiagLogs({ home: home.path, clock, log });
  if (source.type === "github") {
    learnt.github = createGitHubClient(config.githubApiUrl, source.scope, source.pat, run.send);
  }
  const onLater = (message: string, ms: number) => log.warn("registration-delayed", { message, ms });
  const asking = { ...run, limitMs: REGISTER_LIMIT_MS, signal: preparing, onLater };
  const answer = await askUntil(asking, () => askRegistration(run));
  if (answer.type === "refused") return failed("registration-refused", answer.message);
  const { registration } = answer;
  learnt.registration = registration;
  run.secrets.add(registration.type === "jit" ? registration.encodedJitConfig : registration.token);
  return { type: "registered", kind: registration.type, own: source.type === "github" };
}

export async function configure(run: WorkerRun): Promise<WorkerEvent> {
  const { registration } = run.learnt;
  if (registration?.type !== "token") throw new Error("config.sh without a token: a fault of the lifecycle.");
  return await configureRunner(setupOf(run), planOf(run), registration.token, run.preparing);
}

/** For config.sh, which needs nothing of the job. */
export function setupOf({ clock, env, host, learnt, log, secrets }: WorkerRun): RunnerSetup {
  const variables = { ...runnerEnvironment(env, host.user, undefined), ...learnt.serviceCache };
  return { home: learnt.home, env: variables, host, clock, log, secrets };
}

/** Where the worker cannot write into the runner's folder, its hooks are in its own, which no job can exchange. */
function hookPlace({ config, host, run }: WorkerRun): Pick<HookSpec, "owner" | "apart"> {
  if (!host.supervised) return { owner: host.user };
  return {
    owner: undefined,
    apart: {
      folder: join(config.workDir, "hooks"),
      async append(path, text) {
        const result = await run("sh", ["-c", 'printf %s "$1" >>"$2"', "sh", text, path], APPEND_MS);
        if (result.type !== "exited" || result.code !== 0) throw new Error(`${path} could not be written.`);
      },
    },
  };
}

const APPEND_MS = 10_000;

async function askRegistration(run: WorkerRun): Promise<RegisterAnswer> {
  const { source } = planOf(run);
  const { github } = run.learnt;
  if (source.type === "dispatcher") return await run.client.register(source.kind, run.preparing);
  if (!github) throw new Error("GitHub was to be asked without a client: a fault of the lifecycle.");
  const answer = await github.createToken("registration", run.preparing);
  return answer.type === "granted" ? { type: "granted", registration: { ...answer, type: "token" } } : answer;
}

function failed(outcome: FailedStart, message: string): WorkerEvent {
  return { type: "start-failed", outcome, message };
}
