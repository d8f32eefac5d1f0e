// The folder that the runner is configured and run in. A shared one is copied first: config.sh writes `.runner` and
// `.credentials` into the folder of its own real path, so two workers in one folder, or in symlinks to one, would
// overwrite each other.

import { accessSync, constants, statSync } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { foldersTo, isOpenTo } from "../../shared/domain/folder-access.ts";
import type { Environment, WorkerConfig } from "../config.ts";
import type { RunProgram } from "../process/run-program.ts";
import { copyHome } from "./copy-home.ts";
import type { RunnerHost } from "./runner-host.ts";

export type RunnerHomeSpec = Pick<
  WorkerConfig,
  "runnerHome" | "runnerHomeShared" | "workDir" | "runnerDir" | "keptDir"
> & {
  readonly host: Pick<RunnerHost, "user" | "supervised">;
  readonly env: Environment;
};

export type RunnerHome =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly message: string };

export async function prepareRunnerHome(spec: RunnerHomeSpec, run: RunProgram): Promise<RunnerHome> {
  const { runnerHome: source, runnerHomeShared: shared, workDir, runnerDir, host } = spec;
  const refusal = refusedAsRoot(spec);
  if (refusal !== undefined) return { ok: false, message: refusal };
  if (!(await isExecutable(join(source, "run.sh")))) {
    const message = `There is no run.sh to execute in ${source}. Set RUNNER_HOME to the folder of actions/runner.`;
    return { ok: false, message };
  }
  const closed = closedFolder(shared ? (runnerDir ?? workDir) : source, host);
  if (closed !== undefined) return { ok: false, message: closed };
  if (!shared) return { ok: true, path: source };
  if (host.supervised) {
    const message =
      "RUNNER_HOME_SHARED=1 is for workers on one machine; in the worker image each container has its own runner.";
    return { ok: false, message: `${message} Unset it.` };
  }
  const copy = { source, workDir: runnerDir ?? workDir, keptDir: spec.keptDir, owner: host.user };
  return { ok: true, path: await copyHome(copy, run) };
}

/** Its scripts say so too, but config.sh without the remedy, and run.sh by an exit code alone. */
function refusedAsRoot({ host, env }: RunnerHomeSpec): string | undefined {
  const isRoot = process.getuid?.() === 0 && host.user === undefined && !host.supervised;
  if (!isRoot || env["RUNNER_ALLOW_RUNASROOT"]) return undefined;
  return "actions/runner refuses to run as root. Set RUNNER_USER to another user, under whom root then runs it, or, where all jobs are trusted, RUNNER_ALLOW_RUNASROOT=1; for a local pool under env: in dispatch.yaml.";
}

/** actions/runner demands to be able to list each folder above its own (IOUtil.ValidateExecutePermission). */
function closedFolder(path: string, { user, supervised }: RunnerHomeSpec["host"]): string | undefined {
  // Under a supervisor this is another user, who cannot look everywhere; the image is made so that the runner's can.
  if (supervised) return undefined;
  const closed = foldersTo(path).find((folder) => !isOpen(folder, user));
  if (closed === undefined) return undefined;
  const who = user === undefined ? "this user" : `the user ${user.name ?? user.uid}`;
  return `${who} may not list ${closed}, which actions/runner demands of each folder above its own. Open it (chmod a+rx ${closed}), or put the runner elsewhere.`;
}

function isOpen(folder: string, user: RunnerHost["user"]): boolean {
  try {
    if (user !== undefined) return isOpenTo(statSync(folder), user);
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      ["ENOENT", "EACCES", "ENOTDIR"].includes(String(error.code))
    )
      return false;
    throw error;
  }
}
