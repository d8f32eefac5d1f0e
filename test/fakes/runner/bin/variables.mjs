// The GITHUB_* and RUNNER_* variables of a job's steps.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ARCHITECTURES = { x64: "X64", arm64: "ARM64", arm: "ARM" };
const SYSTEMS = { linux: "Linux", darwin: "macOS", win32: "Windows" };
const COMMAND_FILES = ["ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY"];

export function variablesOf({ settings, job, folders }) {
  return { ...githubVariables(settings, job, folders), ...runnerVariables(settings, folders) };
}

function githubVariables(settings, { repository, run, name, workflowName }, { workspace, temp }) {
  const { origin } = new URL(settings.gitHubUrl);
  const fullName = `${repository.owner}/${repository.name}`;
  return {
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_ACTOR: "octocat",
    GITHUB_API_URL: origin,
    GITHUB_EVENT_NAME: run.event,
    GITHUB_EVENT_PATH: writeEvent(temp, {
      ...run.payload,
      repository: { ...repository, full_name: fullName },
    }),
    GITHUB_JOB: name,
    GITHUB_REF: "refs/heads/main",
    GITHUB_REF_NAME: "main",
    GITHUB_REPOSITORY: fullName,
    GITHUB_REPOSITORY_ID: String(repository.id),
    GITHUB_REPOSITORY_OWNER: repository.owner,
    GITHUB_RUN_ATTEMPT: String(run.attempt),
    GITHUB_RUN_ID: String(run.id),
    GITHUB_RUN_NUMBER: String(run.number),
    GITHUB_SERVER_URL: origin,
    GITHUB_SHA: "7f3c1e0a94d25b6886f1c0de5b7aa9123c44e0d1",
    GITHUB_WORKFLOW: workflowName,
    GITHUB_WORKFLOW_REF:
      run.workflowRef ?? `${fullName}/.github/workflows/${workflowName}.yml@refs/heads/main`,
    GITHUB_WORKSPACE: workspace,
    ...commandFiles(temp),
  };
}

function runnerVariables(settings, { temp, tools, pipeline }) {
  return {
    RUNNER_ARCH: ARCHITECTURES[process.arch] ?? process.arch,
    RUNNER_ENVIRONMENT: "self-hosted",
    RUNNER_NAME: settings.agentName,
    RUNNER_OS: SYSTEMS[process.platform] ?? process.platform,
    RUNNER_TEMP: temp,
    RUNNER_TOOL_CACHE: tools,
    RUNNER_WORKSPACE: pipeline,
  };
}

function writeEvent(temp, payload) {
  const folder = join(temp, "_github_workflow");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "event.json");
  writeFileSync(file, JSON.stringify({ ref: "refs/heads/main", ...payload }, undefined, 2));
  return file;
}

function commandFiles(temp) {
  const folder = join(temp, "_runner_file_commands");
  mkdirSync(folder, { recursive: true });
  const files = COMMAND_FILES.map((name) => [`GITHUB_${name}`, join(folder, name.toLowerCase())]);
  for (const [, file] of files) writeFileSync(file, "");
  return Object.fromEntries(files);
}
