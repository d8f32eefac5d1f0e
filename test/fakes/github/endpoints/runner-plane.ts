// The private plane between the stand-in's server and its runners: registration, session, messages, job reports.
import { randomUUID } from "node:crypto";
import type { Announce } from "../announce.ts";
import type { Assignment } from "../assignment.ts";
import type { Conclusion, JobRecord, Message, RunnerRecord, Scope, Step } from "../records.ts";
import { type Registrations, runnerFiles } from "../registrations.ts";
import { touch } from "../runner-state.ts";
import type { WorkflowJobs } from "../workflow-jobs.ts";
import type { World } from "../world.ts";
import { ApiError } from "./api-error.ts";
import type { Reply, Request, Route } from "./http-server.ts";

type Deps = {
  readonly world: World;
  readonly now: () => number;
  readonly registrations: Registrations;
  readonly jobs: WorkflowJobs;
  readonly assignment: Assignment;
  readonly announce: Announce;
  readonly webUrl: () => string;
  /** `2.329.0`: older runners are refused at registration and get no session. */
  readonly minimumRunnerVersion: string;
};

type StepReport = {
  readonly name: string;
  readonly conclusion: Step["conclusion"];
  readonly startedMsAgo: number;
};

type Handler = (request: Request) => unknown;

const LONG_POLL_MS = 1_000;

export function runnerPlane(deps: Deps): Route[] {
  const asRunner = (handle: (runner: RunnerRecord, request: Request) => unknown) => (request: Request) =>
    handle(runnerOf(deps, request), request);
  const handlers: readonly (readonly [method: string, path: string, handle: Handler])[] = [
    ["POST", "/_stand-in/register", (request) => register(deps, request)],
    ["POST", "/_stand-in/remove", (request) => remove(deps, request)],
    ["POST", "/_stand-in/session", asRunner((runner, request) => openSession(deps, runner, request))],
    ["DELETE", "/_stand-in/session", asRunner((runner) => closeSession(deps, runner))],
    ["GET", "/_stand-in/message", asRunner((runner, request) => nextMessage(deps, runner, request))],
    ["POST", "/_stand-in/jobs/{id}/acquire", asRunner((runner, request) => acquire(deps, runner, request))],
    ["POST", "/_stand-in/jobs/{id}/lines", asRunner((runner, request) => addLines(deps, runner, request))],
    ["POST", "/_stand-in/jobs/{id}/steps", asRunner((runner, request) => addStep(deps, runner, request))],
    ["POST", "/_stand-in/jobs/{id}/complete", asRunner((runner, request) => complete(deps, runner, request))],
  ];
  return handlers.map(([method, path, handle]) => ({
    method,
    path,
    handle: (request) => reply(handle, request),
  }));
}

async function reply(handle: Handler, request: Request): Promise<Reply> {
  const headers = { "content-type": "application/json" };
  try {
    return { status: 200, headers, text: JSON.stringify((await handle(request)) ?? {}) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.status, headers, text: JSON.stringify(error.body()) };
  }
}

function register(deps: Deps, { body }: Request) {
  const scope = scopeOfPath(deps.world, String(body["path"]));
  deps.registrations.checkToken("registration", String(body["token"]), scope);
  refuseOld(deps, body["version"]);
  const replaced = deps.world.findRunner(scope, String(body["name"])) !== undefined;
  const runner = deps.registrations.configure(scope, body);
  return { files: runnerFiles(runner, deps.webUrl()), replaced };
}

function remove(deps: Deps, { body }: Request) {
  const scope = scopeOfPath(deps.world, String(body["path"]));
  deps.registrations.checkToken("remove", String(body["token"]), scope);
  const runner = deps.world.runners.get(Number(body["runnerId"]));
  if (runner !== undefined) deps.assignment.removeRunner(runner);
}

function openSession(deps: Deps, runner: RunnerRecord, { body }: Request) {
  refuseOld(deps, body["version"]);
  // The configuration of a just-in-time runner is good for one session: actions-runner-controller#4588.
  const spent = runner.jit && runner.connectedBefore;
  if (runner.session !== undefined && performance.now() - runner.seenMonotonicMs < LONG_POLL_MS * 2)
    throw new ApiError(409, "A session for this runner already exists.");
  if (spent) throw new ApiError(409, "A session for this runner already exists.");
  runner.session = randomUUID();
  runner.connectedBefore = true;
  runner.missedAssignment = false;
  runner.version = String(body["version"]);
  runner.os = "linux";
  touch(runner, deps.now());
  deps.announce.runner(runner, "online");
}

function closeSession(deps: Deps, runner: RunnerRecord) {
  runner.session = undefined;
  runner.poll = undefined;
  touch(runner, deps.now());
  deps.announce.runner(runner, "offline");
}

async function nextMessage(deps: Deps, runner: RunnerRecord, request: Request): Promise<Message | undefined> {
  touch(runner, deps.now());
  const ready = runner.outbox.shift();
  if (ready !== undefined) return ready;
  const message = await new Promise<Message | undefined>((resolve) => {
    const end = (found: Message | undefined) => {
      clearTimeout(timer);
      if (runner.poll === end) runner.poll = undefined;
      resolve(found);
    };
    const timer = setTimeout(() => end(undefined), LONG_POLL_MS);
    runner.poll = end;
    request.onHangUp(() => end(undefined));
    deps.assignment.match();
  });
  touch(runner, deps.now());
  if (message?.type === "deleted") throw gone();
  return message;
}

function acquire(deps: Deps, runner: RunnerRecord, request: Request) {
  const job = jobOf(deps, request);
  if (runner.assigned !== job || job.status !== "queued")
    throw new ApiError(409, "The job was given to another runner or has ended.");
  deps.jobs.start(job, runner);
  const { repository } = job.run;
  return {
    id: job.id,
    name: job.name,
    script: job.script,
    steps: job.plan,
    container: job.container,
    repository: { id: repository.id, owner: repository.owner.login, name: repository.name },
    run: {
      id: job.run.id,
      number: job.run.number,
      attempt: job.attempt,
      event: job.run.event,
      payload: job.payload,
    },
    workflowName: job.run.workflowName,
  };
}

function addLines(deps: Deps, runner: RunnerRecord, request: Request): void {
  const job = runningJob(deps, runner, request);
  for (const line of request.body["lines"] as string[]) {
    job.lines.push(line);
    deps.announce.line(job.id, line);
  }
}

function addStep(deps: Deps, runner: RunnerRecord, request: Request): void {
  const { name, conclusion, startedMsAgo } = request.body as StepReport;
  const completedAt = deps.now();
  const startedAt = completedAt - startedMsAgo;
  deps.jobs.addStep(runningJob(deps, runner, request), { name, conclusion, startedAt, completedAt });
}

function complete(deps: Deps, runner: RunnerRecord, request: Request): void {
  const job = runningJob(deps, runner, request);
  deps.jobs.finish(job, request.body["conclusion"] as Conclusion);
  if (runner.ephemeral) deps.assignment.removeRunner(runner);
  else deps.assignment.match();
}

function runningJob(deps: Deps, runner: RunnerRecord, request: Request): JobRecord {
  touch(runner, deps.now());
  const job = jobOf(deps, request);
  if (job.runningOn !== runner) throw new ApiError(404, "The job is not running on this runner.");
  return job;
}

function jobOf({ world }: Deps, { params }: Request): JobRecord {
  const job = world.jobs.get(Number(params["id"]));
  if (job === undefined) throw new ApiError(404, "Not Found");
  return job;
}

function runnerOf({ world }: Deps, { headers }: Request): RunnerRecord {
  const credential = headers.authorization?.slice("Bearer ".length);
  const runner = [...world.runners.values()].find((each) => each.credential === credential);
  if (runner === undefined) throw gone();
  return runner;
}

function gone(): ApiError {
  return new ApiError(410, "The runner registration has been deleted from the server.");
}

/** @param path `/org` or `/owner/repository` */
function scopeOfPath(world: World, path: string): Scope {
  const [login = "", name] = path.split("/").filter((part) => part !== "");
  const owner = world.owners.get(login.toLowerCase());
  const repository = name === undefined ? undefined : owner?.repositories.get(name.toLowerCase());
  if (owner === undefined || (name !== undefined && repository === undefined))
    throw new ApiError(404, "Not Found");
  return { owner, repository };
}

function refuseOld({ minimumRunnerVersion }: Deps, version: unknown): void {
  if (compareVersions(String(version), minimumRunnerVersion) >= 0) return;
  throw new ApiError(403, `Runner version v${String(version)} is deprecated and cannot receive messages.`);
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
