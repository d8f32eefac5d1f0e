// Puts the runner's hooks (hook.js, container-hook.js, end-runner.js) into the runner's folder, where the runner's user
// can read them and a job's start finds them.
import { constants, existsSync } from "node:fs";
import { chmod, chown, mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeFolder } from "../../shared/adapters/system/empty-folder.ts";
import { repositorySource, workflowSource } from "../../shared/domain/admission/tenant-policy.ts";
import { matcherOf } from "../../shared/domain/patterns.ts";
import type { ContainerSettings, PolicySettings } from "../../shared/protocol/worker-plane.ts";
import type { Environment } from "../config.ts";

export type HookSpec = {
  /** The runner's folder, its own copy when there is one. */
  readonly home: string;
  /** Who writes the reports: the runner's user, where it is not the worker's. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Given where the worker cannot write into `home`: its own folder instead, and how to add to a file of the runner's. */
  readonly apart?: {
    readonly folder: string;
    readonly append: (path: string, text: string) => Promise<void>;
  };
  /** The worker's own environment: an image may name hooks there. */
  readonly env: Environment;
  readonly policy: PolicySettings | undefined;
  /** For jobs with `container:`. */
  readonly containers: ContainerSettings | undefined;
};

export type Hooks = {
  /** Where their reports come. */
  readonly reports: string;
  /** For the runner's environment. */
  readonly variables: Record<string, string>;
};

export type HookOutcome =
  | { readonly ok: true; readonly hooks: Hooks }
  | { readonly ok: false; readonly message: string };

/**
 * What hook.js reads beside itself. Lists of patterns are sources of regular expressions, so that they are made in one
 * place.
 * @public to hook.js, whose types are comments
 */
export type HookSettings = {
  readonly reports: string;
  readonly policy:
    | {
        readonly owner: string;
        readonly repositories?: string;
        readonly workflows?: string;
        readonly forks: "refuse" | "allow";
      }
    | undefined;
  readonly own: { readonly [stage: string]: string | undefined };
  /** For container-hook.js: the list as it is written, and what it fits. */
  readonly containers: {
    readonly endpoint: string | undefined;
    readonly images: readonly string[];
    readonly source: string;
  };
};

/** The folder within the runner's own. */
const HOOKS_FOLDER = ".npu-dispatch";

const VARIABLES = {
  started: "ACTIONS_RUNNER_HOOK_JOB_STARTED",
  completed: "ACTIONS_RUNNER_HOOK_JOB_COMPLETED",
} as const;
const STAGES = ["started", "completed"] as const;
const CONTAINER_HOOK = "container.js";
/** In the folder, and where each comes from. */
const PROGRAMS = {
  "started.js": "hook.js",
  "completed.js": "hook.js",
  [CONTAINER_HOOK]: "container-hook.js",
  "end-runner.js": "end-runner.js",
};
const CONTAINER_VARIABLE = "ACTIONS_RUNNER_CONTAINER_HOOKS";
const DOCKER_SOCKET = "/var/run/docker.sock";

export async function installHooks({
  home,
  owner,
  apart,
  env,
  policy,
  containers,
}: HookSpec): Promise<HookOutcome> {
  // actions/runner splits the command line of a hook at spaces, and every job would fail.
  const folder = apart?.folder ?? join(home, HOOKS_FOLDER);
  if (/\s/.test(folder)) {
    const message = `actions/runner cannot run hooks from ${apart?.folder ?? home}: the path has a space. Use a folder without.`;
    return { ok: false, message };
  }
  const reports = join(folder, "reports");
  const dotEnv = await readDotEnv(home, folder);
  const own = Object.fromEntries(
    STAGES.map((stage) => [stage, (dotEnv.own[stage] ?? env[VARIABLES[stage]]) || undefined]),
  );
  const settings: HookSettings = {
    reports,
    policy: policy && compiled(policy),
    own,
    containers: equalImages(containers),
  };
  await fill(folder, settings);
  await mkdir(reports, { mode: 0o700 });
  // Another user's reports come here, and only the worker takes them away.
  if (apart) await chmod(reports, 0o1777);
  if (owner) await chown(reports, owner.uid, owner.gid);
  const paths = STAGES.map((stage) => [VARIABLES[stage], join(folder, `${stage}.js`)] as const);
  if (dotEnv.hidesOurs) await appendDotEnv(home, paths, apart?.append ?? appendOwn);
  const variables = { ...Object.fromEntries(paths), ...containerVariable(folder, env, containers) };
  return { ok: true, hooks: { reports, variables } };
}

async function fill(folder: string, settings: HookSettings): Promise<void> {
  await removeFolder(folder);
  await mkdir(folder);
  // Whatever the umask: the runner's user must be able to read all of it, and to write none.
  await chmod(folder, 0o755);
  const programs = Object.entries(PROGRAMS).map(
    async ([name, source]) => [name, await readFile(join(import.meta.dirname, source), "utf8")] as const,
  );
  const files = {
    ...Object.fromEntries(await Promise.all(programs)),
    "package.json": '{"type":"module"}',
    "settings.json": JSON.stringify(settings),
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o644);
  }
}

/** An image's own hook comes first; and where there is Docker and no list of images, Docker does it better. */
function containerVariable(
  folder: string,
  env: Environment,
  containers: ContainerSettings | undefined,
): Record<string, string> {
  if (env[CONTAINER_VARIABLE]) return {};
  const listed = (containers?.images.length ?? 0) > 0;
  return listed || !existsSync(DOCKER_SOCKET) ? { [CONTAINER_VARIABLE]: join(folder, CONTAINER_HOOK) } : {};
}

function equalImages(containers: ContainerSettings | undefined): HookSettings["containers"] {
  const images = containers?.images ?? [];
  return { endpoint: containers?.endpoint, images, source: matcherOf(images).source };
}

function compiled({ owner, repositories, workflows, forks }: PolicySettings): HookSettings["policy"] {
  return {
    owner,
    ...(repositories && { repositories: repositorySource(repositories) }),
    ...(workflows && { workflows: workflowSource(workflows) }),
    forks,
  };
}

/**
 * The runner reads `.env` of its folder at its start, over its environment, and the last line of a name counts: a hook
 * that an image names there would be run instead of ours. Lines that an earlier worker of this folder added are not the
 * image's.
 */
async function readDotEnv(home: string, folder: string): Promise<DotEnv> {
  const lines = (await readIfThere(join(home, ".env"))).split(/\r?\n/);
  const entries = STAGES.map((stage) => {
    const prefix = `${VARIABLES[stage]}=`;
    const values = lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
    return { stage, values, own: values.findLast((value) => !value.startsWith(folder)) };
  });
  return {
    own: Object.fromEntries(entries.map(({ stage, own }) => [stage, own])),
    hidesOurs: entries.some(({ values }) => values.length > 0 && !values.at(-1)?.startsWith(folder)),
  };
}

/** `own`: the image's hooks, empty where it unsets one, undefined where it says nothing. */
type DotEnv = { readonly own: { readonly [stage: string]: string | undefined }; readonly hidesOurs: boolean };

async function appendDotEnv(
  home: string,
  variables: readonly (readonly [name: string, path: string])[],
  append: (path: string, text: string) => Promise<void>,
): Promise<void> {
  await append(join(home, ".env"), `\n${variables.map(([name, path]) => `${name}=${path}`).join("\n")}\n`);
}

/** No symbolic link is followed: the folder is the runner's user's. */
async function appendOwn(path: string, text: string): Promise<void> {
  const { O_WRONLY, O_APPEND, O_NOFOLLOW } = constants;
  await using file = await open(path, O_WRONLY | O_APPEND | O_NOFOLLOW);
  await file.appendFile(text);
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
