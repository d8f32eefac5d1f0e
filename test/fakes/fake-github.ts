// GitHub behind the port, in memory: workflow jobs, runners, who was given what, and the words it would deliver.

import { covers } from "../../shared/domain/admission/labels.ts";
import type { WorkflowJobWord } from "../../shared/domain/github-event.ts";
import type { RunnerScope } from "../../shared/domain/runner-scope.ts";
import { runsToRead } from "../../shared/domain/upkeep/open-runs.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type {
  Caller,
  Github,
  GithubFault,
  GithubRunner,
  WorkflowRunWord,
} from "../../shared/ports/github.ts";
import { GithubError } from "../../shared/ports/github.ts";
import { aWord } from "../domain/builders.ts";
import { createFakeDeliveries, type FakeDeliveries } from "./fake-deliveries.ts";

type FakeRunner = {
  readonly id: number;
  readonly name: string;
  readonly scope: RunnerScope;
  readonly labels: readonly string[];
  /** Has connected: only then is it given work. */
  online: boolean;
  /** The workflow job it runs. */
  job: number | undefined;
};

export type FakeGithub = Github &
  Pick<FakeDeliveries, "takeOutbox" | "answered"> & {
    /** The App's webhook: what it emits, and its log. */
    readonly hook: FakeDeliveries;
    readonly calls: { readonly [method in keyof Github]: number };
    readonly jobs: ReadonlyMap<number, WorkflowJobWord>;
    readonly runners: ReadonlyMap<string, FakeRunner>;
    /** Runs that `workflowRun` knows, by id. */
    readonly runs: Map<number, WorkflowRunWord>;
    /** Repositories that no runner group of theirs admits. */
    readonly closedTo: Set<string>;
    /** Personal access tokens that it accepts; any other is refused as `unauthorized`. */
    readonly personalTokens: Set<string>;
    /** The token of each call that came with one, oldest first. */
    readonly tokensUsed: readonly string[];
    /** A workflow run asks for a runner. Fields as in `aWord()`; a fresh id unless one is given. */
    queue(fields?: Partial<WorkflowJobWord>): WorkflowJobWord;
    /** Past its environment gate, or cancelled, or whatever a test wants it to be. */
    change(id: number, fields: Partial<WorkflowJobWord>): WorkflowJobWord;
    /** What config.sh does with a registration token. */
    register(token: string, runner: Pick<FakeRunner, "name" | "labels">): void;
    /** What run.sh does. */
    connect(name: string): void;
    /** Gives a queued job to an idle runner; `id` undefined: the oldest that its labels cover. */
    assign(name: string, id?: number): WorkflowJobWord | undefined;
    /** The job ends; its ephemeral runner is gone with it. */
    complete(id: number, conclusion?: string): WorkflowJobWord;
    /** Every call fails so, or those of one method; `undefined` ends it. */
    fail(fault: GithubFault | undefined, options?: { method?: keyof Github; retryAfterMs?: number }): void;
  };

const TOKEN_MS = 3_600_000;

export function createFakeGithub(clock: Clock): FakeGithub {
  const calls = {
    ...{
      registrationToken: 0,
      jitConfig: 0,
      groupRefusal: 0,
      findRunner: 0,
      deleteRunner: 0,
      listRunners: 0,
    },
    ...{ workflowJob: 0, workflowRun: 0, openJobs: 0, runJobs: 0, deliveries: 0, redeliver: 0 },
  };
  const runs = new Map<number, WorkflowRunWord>();
  const closedTo = new Set<string>();
  const personalTokens = new Set<string>();
  const tokensUsed: string[] = [];
  const jobs = new Map<number, WorkflowJobWord>();
  const runners = new Map<string, FakeRunner>();
  const tokens = new Map<string, RunnerScope>();
  const faults = new Map<keyof Github | "all", { fault: GithubFault; retryAfterMs: number | undefined }>();
  const hook = createFakeDeliveries(clock);
  let lastId = 100_000_000_000;

  return {
    calls,
    jobs,
    runs,
    closedTo,
    personalTokens,
    tokensUsed,
    runners,
    takeOutbox: hook.takeOutbox,
    answered: hook.answered,
    hook,
    queue: (fields = {}) =>
      say(aWord({ workflowJobId: ++lastId, createdAt: clock.now() + (lastId % 1_000), ...fields })),
    change: (id, fields) => say({ ...known(id), ...fields }),
    connect: (name) => {
      const runner = runners.get(name);
      if (runner !== undefined) runner.online = true;
    },
    register(token, { name, labels }) {
      const scope = tokens.get(token);
      if (scope === undefined) throw new Error("the fake GitHub does not know this registration token");
      add(name, labels, scope);
    },
    assign,
    complete(id, conclusion = "success") {
      const { runner } = known(id);
      if (runner !== undefined) runners.delete(runner.name);
      return say({ ...known(id), status: "completed", conclusion });
    },
    fail(fault, { method = "all" as const, retryAfterMs } = {}) {
      if (fault === undefined) faults.delete(method);
      else faults.set(method, { fault, retryAfterMs });
    },

    async registrationToken(caller, scope) {
      call("registrationToken", caller);
      const token = `A${String(tokens.size + 1).padStart(28, "0")}`;
      tokens.set(token, scope);
      return { token, expiresAt: clock.now() + TOKEN_MS };
    },
    async jitConfig(caller, scope, { name, labels }) {
      call("jitConfig", caller);
      if (runners.has(name)) throw new GithubError(`${name} exists`, { fault: "conflict", status: 409 });
      const { id } = add(name, labels, scope);
      return { encodedJitConfig: `jit-${id}-${name}`, runnerId: id };
    },
    async groupRefusal(caller, _scope, { repository }) {
      call("groupRefusal", caller);
      return closedTo.has(repository) ? `The group does not admit repository ${repository}.` : undefined;
    },
    async workflowJob(caller, { workflowJobId }) {
      call("workflowJob", caller);
      return jobs.get(workflowJobId);
    },
    async workflowRun(caller, { runId }) {
      call("workflowRun", caller);
      return runs.get(runId);
    },
    async findRunner(caller, _scope, name) {
      call("findRunner", caller);
      return [...runners.values()].filter((one) => one.name === name).map(shown)[0];
    },
    async listRunners(caller, scope) {
      call("listRunners", caller);
      return [...runners.values()].filter((one) => isSameScope(one.scope, scope)).map(shown);
    },
    async openJobs(caller, { id }, after) {
      call("openJobs", caller);
      const open = [...jobs.values()].filter(
        ({ repository, status }) => repository.id === id && status !== "completed",
      );
      const { runs, next } = runsToRead(
        open.map(({ runId }) => runId),
        after,
      );
      return { words: open.filter(({ runId }) => runs.includes(runId)), next };
    },
    async runJobs(caller, { repositoryId, runId, runAttempt }) {
      call("runJobs", caller);
      return [...jobs.values()].filter(
        (word) =>
          word.repository.id === repositoryId && word.runId === runId && word.runAttempt === runAttempt,
      );
    },
    async deliveries(cursor) {
      call("deliveries");
      return hook.page(cursor);
    },
    async redeliver(id) {
      call("redeliver");
      hook.redeliver(id);
    },
    async deleteRunner(caller, _scope, id) {
      call("deleteRunner", caller);
      const runner = [...runners.values()].find((one) => one.id === id);
      if (runner?.job !== undefined) return "busy";
      if (runner !== undefined) runners.delete(runner.name);
      return "deleted";
    },
  };

  function call(method: keyof Github, { token }: Pick<Caller, "token"> = {}): void {
    calls[method]++;
    if (token !== undefined) tokensUsed.push(token);
    if (token !== undefined && !personalTokens.has(token)) {
      throw new GithubError(`the fake GitHub knows no such personal access token (${method})`, {
        fault: "unauthorized",
        status: 401,
      });
    }
    const failing = faults.get(method) ?? faults.get("all");
    if (failing === undefined) return;
    const { fault, retryAfterMs } = failing;
    throw new GithubError(`the fake GitHub answers ${method} with ${fault}`, {
      fault,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  function known(id: number): WorkflowJobWord {
    const word = jobs.get(id);
    if (word === undefined) throw new Error(`the fake GitHub has no workflow job ${id}`);
    return word;
  }

  function say(word: WorkflowJobWord): WorkflowJobWord {
    jobs.set(word.workflowJobId, word);
    hook.say(word);
    return word;
  }

  /** `config.sh --replace` is not used: a name that is taken stays taken. */
  function add(name: string, labels: readonly string[], scope: RunnerScope): FakeRunner {
    const before = runners.get(name);
    if (before !== undefined) return before;
    const runner = { id: ++lastId, name, labels, scope, online: false, job: undefined };
    runners.set(name, runner);
    return runner;
  }

  function assign(name: string, id?: number): WorkflowJobWord | undefined {
    const runner = runners.get(name);
    if (runner === undefined || !runner.online || runner.job !== undefined) return undefined;
    const fitting = [...jobs.values()].filter((word) => word.status === "queued" && fits(runner, word));
    const word = id === undefined ? fitting[0] : fitting.find((one) => one.workflowJobId === id);
    if (word === undefined) return undefined;
    runner.job = word.workflowJobId;
    return say({ ...word, status: "in_progress", startedAt: clock.now(), runner: { id: runner.id, name } });
  }

  function fits({ scope, labels }: FakeRunner, { repository, labels: wanted }: WorkflowJobWord): boolean {
    const login = scope.type === "organization" ? scope.org : scope.owner;
    const here = scope.type === "organization" || scope.repo === repository.name;
    return here && login === repository.owner.login && covers(labels, wanted);
  }
}

function shown({ id, name, online, job }: FakeRunner): GithubRunner {
  return { id, name, status: online ? "online" : "offline", busy: job !== undefined };
}

function isSameScope(a: RunnerScope, b: RunnerScope): boolean {
  if (a.type === "organization") return b.type === "organization" && a.org === b.org;
  return b.type === "repository" && a.owner === b.owner && a.repo === b.repo;
}
