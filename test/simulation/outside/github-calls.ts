// GitHub's API over its own side of the world, with its limits: every call is counted, refused ones too.

import type { RunnerScope } from "../../../shared/domain/runner-scope.ts";
import type { Caller, Github, GithubRunner, WorkflowRunWord } from "../../../shared/ports/github.ts";
import { GithubError } from "../../../shared/ports/github.ts";
import type { Hook } from "../engine/hook.ts";
import type { Synchronous } from "../engine/synchronous.ts";
import type { Timeline } from "../engine/timeline.ts";
import type { Weather } from "../engine/weather.ts";
import type { SimRunner } from "./github-things.ts";
import { wordOf } from "./github-things.ts";
import type { GithubWorld } from "./github-world.ts";

/** Every secret that GitHub gives out holds this: it must turn up nowhere. */
export const SECRET = "s3cr3t-of-github";

type CallCounts = { [method: string]: number };

export type GithubCalls = {
  readonly api: Synchronous<Github>;
  readonly counts: CallCounts;
  /** Calls that were refused for a limit. */
  readonly refused: () => number;
  /** The place that a registration token is for; undefined when GitHub does not take it. */
  redeem(token: string): RunnerScope | undefined;
  readJit(config: string): string;
};

export type GithubCallsOptions = {
  readonly world: GithubWorld;
  readonly hook: Hook;
  readonly weather: Weather;
  readonly timeline: Timeline;
  readonly runOf: (runId: number) => WorkflowRunWord | undefined;
  /** A registration of a runner that works was removed through the API. */
  readonly onRemovedAtWork: (runner: SimRunner) => void;
};

const TOKEN_MS = 3_600_000;
const TOKEN_MARGIN_MS = 300_000;
/** `busy` tells what was true this long ago. */
const BUSY_LAG_MS = 180_000;

export function createGithubCalls(options: GithubCallsOptions): GithubCalls {
  const { world, hook, weather, timeline } = options;
  const counts: CallCounts = {};
  const tokens = new Map<
    string,
    { readonly token: string; readonly scope: RunnerScope; readonly expiresAt: number }
  >();
  const scopes = new Map<string, RunnerScope>();
  let refused = 0;
  let lastToken = 0;

  return {
    counts,
    refused: () => refused,
    redeem: (token) => (weather.lasts("registration-limit") === undefined ? scopes.get(token) : undefined),
    readJit: (config) => config.slice(config.lastIndexOf(" ") + 1),
    api: {
      registrationToken(_caller, scope) {
        const place = JSON.stringify(scope);
        const known = tokens.get(place);
        // As the adapter does: one call an hour.
        if (known !== undefined && known.expiresAt - TOKEN_MARGIN_MS > timeline.now()) return known;
        call("registrationToken");
        limitRegistrations();
        const token = `${SECRET}-${++lastToken}`;
        const fresh = { token, scope, expiresAt: timeline.now() + TOKEN_MS };
        scopes.set(token, scope);
        tokens.set(place, fresh);
        return fresh;
      },
      jitConfig(_caller, scope, { name, labels }) {
        call("jitConfig");
        limitRegistrations();
        if (world.runners.has(name)) {
          throw new GithubError(`a runner ${name} exists`, { fault: "conflict", status: 409 });
        }
        const { id } = world.register(name, scope, labels);
        return { encodedJitConfig: `${SECRET} ${name}`, runnerId: id };
      },
      // The adapter asks once an hour; nobody's group is closed here.
      groupRefusal: () => undefined,
      workflowJob(_caller, { workflowJobId }) {
        call("workflowJob");
        const job = world.jobs.get(workflowJobId);
        return job?.isOurs === true ? wordOf(job) : undefined;
      },
      workflowRun(_caller, { runId }) {
        call("workflowRun");
        return options.runOf(runId);
      },
      findRunner(_caller, _scope, name) {
        call("findRunner");
        const runner = world.runners.get(name);
        return runner === undefined ? undefined : view(runner);
      },
      deleteRunner(_caller: Caller, _scope, id) {
        call("deleteRunner");
        const runner = [...world.runners.values()].find((one) => one.id === id);
        if (runner === undefined) return "deleted";
        if (runner.job !== undefined && isSeenBusy(runner)) return "busy";
        // While GitHub's own count lags, it lets go of a runner that works.
        if (runner.job !== undefined && runner.host !== undefined) options.onRemovedAtWork(runner);
        world.remove(runner);
        return "deleted";
      },
      listRunners(_caller, scope) {
        call("listRunners");
        const place = JSON.stringify(scope);
        return [...world.runners.values()].filter((one) => JSON.stringify(one.scope) === place).map(view);
      },
      openJobs(_caller, { id }) {
        call("openJobs");
        const open = [...world.jobs.values()].filter(
          (job) => job.base.repository.id === id && job.status !== "completed" && job.isOurs,
        );
        return { words: open.map(wordOf), next: undefined };
      },
      runJobs(_caller, { runId, runAttempt }) {
        call("runJobs");
        return [...world.jobs.values()]
          .filter(({ base, isOurs }) => base.runId === runId && base.runAttempt === runAttempt && isOurs)
          .map(wordOf);
      },
      deliveries(cursor) {
        call("deliveries");
        return hook.deliveries(cursor);
      },
      redeliver(id) {
        call("redeliver");
        hook.redeliver(id);
      },
    },
  };

  function call(method: string): void {
    counts[method] = (counts[method] ?? 0) + 1;
    if (weather.strikes("github-outage", method)) {
      throw new GithubError(`GitHub does not answer ${method} (injected)`, {
        fault: "unavailable",
        status: 502,
      });
    }
    limit("rate-limit", method);
  }

  function limitRegistrations(): void {
    limit("registration-limit", "registration");
  }

  function limit(kind: "rate-limit" | "registration-limit", what: string): void {
    const until = weather.lasts(kind);
    if (until === undefined) return;
    refused++;
    weather.count(kind, what);
    const retryAfterMs = Math.max(1_000, until - timeline.now());
    throw new GithubError(`GitHub limits ${what} (injected)`, {
      fault: "rate-limited",
      status: 403,
      retryAfterMs,
    });
  }

  function view(runner: SimRunner): GithubRunner {
    const { id, name, host } = runner;
    return { id, name, status: host === undefined ? "offline" : "online", busy: isSeenBusy(runner) };
  }

  function isSeenBusy(runner: SimRunner): boolean {
    const isBusy = runner.job !== undefined;
    if (weather.lasts("busy-lag") === undefined || timeline.now() - runner.changedAt > BUSY_LAG_MS)
      return isBusy;
    weather.count("busy-lag", runner.name);
    return !isBusy;
  }
}
