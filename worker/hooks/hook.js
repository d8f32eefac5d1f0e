// The runner's hooks. The runner runs this file before and after a job, under its own user and with its own Node 20: no
// TypeScript and no package here. worker/hooks/hooks.ts puts it into the runner's folder as started.js and completed.js,
// with settings.json.
//
// Started: refuses what the tenant's policy refuses, and then nothing of the job runs (end-runner.js); else tells the
// worker what the runner was given. A job cannot talk it out of that: the runner gives a hook no variable that the
// workflow sets. Then comes the image's own hook.
// @ts-check
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endRunner, outliveSignals, stayUntilKilled, wasInterrupted } from "./end-runner.js";

/** The worker looks for the report every 100 ms; one that is stopped or starved shall not hold up the job for longer. */
const TAKEN_MS = 2_000;
/** 128 + SIGINT, as of a program that does not handle it. */
const INTERRUPTED = 130;
/** @type {Record<string, string>} */
const SHELLS = { sh: "bash", js: process.execPath, ps1: "pwsh" };

/** @type {import("node:child_process").ChildProcess | undefined} */
let ownHook;
// A cancelled job interrupts this process alone.
outliveSignals((signal) => ownHook?.kill(signal));
const { env } = process;
const file = fileURLToPath(import.meta.url);
const stage = basename(file, ".js");
process.exitCode = await main();

async function main() {
  if (stage === "started") return await start();
  const settings = readSettings();
  await report(settings);
  return await runOwn(settings.own[stage]);
}

async function start() {
  /** @type {import("./hooks.ts").HookSettings | undefined} */
  let settings;
  /** @type {string | undefined} */
  let refusal;
  try {
    settings = readSettings();
    refusal = settings.policy && refusalOf(settings.policy);
  } catch (error) {
    // What cannot be judged does not run.
    refusal = `refused by policy: the worker's hook could not judge this job: ${error}`;
  }
  if (settings) await report(settings, refusal);
  if (refusal === undefined) return await runOwn(settings?.own[stage]);
  return await refuse(refusal);
}

/** @param {string} refusal */
async function refuse(refusal) {
  process.stdout.write(`::error title=Refused by policy::${escapeCommand(refusal)}\n`);
  if (await endRunner()) return 1;
  // Its end would let the next step begin. The worker has heard of the refusal, and ends the runner.
  process.stdout.write("This runner cannot be told to end; its worker ends it.\n");
  await stayUntilKilled();
}

/** @returns {import("./hooks.ts").HookSettings} */
function readSettings() {
  return JSON.parse(readFileSync(join(dirname(file), "settings.json"), "utf8"));
}

/**
 * The first reason against this job; undefined: it may run.
 * @param {NonNullable<import("./hooks.ts").HookSettings["policy"]>} policy
 */
function refusalOf({ owner, repositories, workflows, forks }) {
  const repository = env.GITHUB_REPOSITORY ?? "";
  const name = repository.slice(repository.indexOf("/") + 1);
  const tenant = `the tenant ${owner} in dispatch.yaml`;
  if (repositories !== undefined && !new RegExp(repositories, "i").test(name)) {
    return `refused by policy: the repository ${repository} is not among repositories of ${tenant}; add ${name} there`;
  }
  const workflow = workflowOf(repository);
  if (workflows !== undefined && !new RegExp(workflows).test(workflow)) {
    return `refused by policy: the workflow ${workflow} is not among workflows of ${tenant}; add it there`;
  }
  const fork = forks === "refuse" ? forkOf(repository) : undefined;
  if (fork === undefined) return undefined;
  return `refused by policy: this is a pull request from ${fork}, whose code anybody may have written; push its branch to ${repository}, or write forks: allow for ${tenant}`;
}

/**
 * `.github/workflows/ci.yml@refs/heads/main`; with `owner/name/` before it where the file is in another repository.
 * @param {string} repository
 */
function workflowOf(repository) {
  const ref = env.GITHUB_WORKFLOW_REF ?? "";
  const own = `${repository}/`;
  return ref.toLowerCase().startsWith(own.toLowerCase()) ? ref.slice(own.length) : ref;
}

/**
 * The repository that a pull request comes from, if that is another one. What cannot be read counts as a fork.
 * @param {string} repository
 */
function forkOf(repository) {
  const pull = readEvent()?.pull_request;
  if (pull === undefined || pull === null) {
    return env.GITHUB_EVENT_NAME?.startsWith("pull_request")
      ? "a repository that GitHub does not name"
      : undefined;
  }
  // The head's repository is null when the fork is gone. Its flag `fork` says something else: a fork has pull requests of
  // its own.
  const { id, full_name: name } = pull.head?.repo ?? {};
  const isOwn = id !== undefined && String(id) === env.GITHUB_REPOSITORY_ID;
  return isOwn ? undefined : `a fork of ${repository} (${name ?? "which is gone"})`;
}

function readEvent() {
  try {
    return JSON.parse(readFileSync(env.GITHUB_EVENT_PATH ?? "", "utf8"));
  } catch (error) {
    process.stdout.write(`The event of this job could not be read: ${error}\n`);
    return undefined;
  }
}

/**
 * For the worker. A disk that is full must not cost the job: GitHub tells the dispatcher as well.
 * @param {import("./hooks.ts").HookSettings} settings
 * @param {string} [refusal]
 */
async function report({ reports }, refusal) {
  const path = join(reports, `${stage}.json`);
  try {
    writeFileSync(`${path}.new`, JSON.stringify({ ...reported(), refusal }));
    renameSync(`${path}.new`, path);
  } catch (error) {
    process.stdout.write(`The worker could not be told of this job: ${error}\n`);
    return;
  }
  // Once it has been taken, no step can change what it says.
  const until = performance.now() + TAKEN_MS;
  while (stage === "started" && existsSync(path) && performance.now() < until) await sleep(20);
}

function reported() {
  return {
    repository: env.GITHUB_REPOSITORY,
    repositoryId: Number(env.GITHUB_REPOSITORY_ID),
    runId: Number(env.GITHUB_RUN_ID),
    runAttempt: Number(env.GITHUB_RUN_ATTEMPT),
    job: env.GITHUB_JOB,
    workflowRef: env.GITHUB_WORKFLOW_REF ?? "",
    event: env.GITHUB_EVENT_NAME,
    runner: env.RUNNER_NAME,
    at: Date.now(),
  };
}

/**
 * As the runner itself would have run it: from the job's folder, by its file name's end.
 * @param {string | undefined} path
 * @returns {Promise<number>} its exit code
 */
function runOwn(path) {
  if (wasInterrupted()) return Promise.resolve(INTERRUPTED);
  if (path === undefined) return Promise.resolve(0);
  const extension = path.slice(path.lastIndexOf(".") + 1);
  const shell = SHELLS[extension];
  if (shell === undefined)
    return Promise.resolve(ownFault(path, "its name ends in none of .sh, .js and .ps1"));
  const args = extension === "sh" ? ["-e", path] : [path];
  return new Promise((resolve) => {
    ownHook = spawn(shell, args, { stdio: "inherit" });
    ownHook.once("error", (error) => resolve(ownFault(path, error.message)));
    ownHook.once("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * @param {string} path
 * @param {string} why
 */
function ownFault(path, why) {
  const variable = `ACTIONS_RUNNER_HOOK_JOB_${stage.toUpperCase()}`;
  process.stdout.write(
    `::error::${escapeCommand(`${variable} names ${path}, which cannot be run: ${why}`)}\n`,
  );
  return 1;
}

/**
 * A line break would end the runner's command.
 * @param {string} text
 */
function escapeCommand(text) {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
