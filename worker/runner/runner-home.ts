// The folder that the runner is configured and run in. A shared one is copied first: config.sh writes `.runner` and `.credentials`
// into the folder of its own real path, so two workers in one folder, or in symlinks to one, would overwrite each other.

import { constants } from "node:fs";
import { access, chown, copyFile, mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { removeFolder } from "../../shared/adapters/system/empty-folder.ts";
import type { WorkerConfig } from "../config.ts";
import { HOOKS_FOLDER } from "../hooks/hooks.ts";
import type { RunProgram } from "../process/run-program.ts";
import type { RunnerHost } from "./runner-host.ts";

export type RunnerHomeSpec = Pick<WorkerConfig, "runnerHome" | "runnerHomeShared" | "workDir"> & {
  readonly host: Pick<RunnerHost, "user" | "supervised">;
};

export type RunnerHome =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly message: string };

export async function prepareRunnerHome(spec: RunnerHomeSpec, run: RunProgram): Promise<RunnerHome> {
  const { runnerHome: source, runnerHomeShared: shared, workDir, host } = spec;
  if (!(await isExecutable(join(source, "run.sh")))) {
    const message = `There is no run.sh to execute in ${source}. Set RUNNER_HOME to the folder of actions/runner.`;
    return { ok: false, message };
  }
  if (!shared) return { ok: true, path: source };
  if (host.supervised) {
    const message =
      "RUNNER_HOME_SHARED=1 is for workers on one machine; in the worker image each container has its own runner.";
    return { ok: false, message: `${message} Unset it.` };
  }
  return { ok: true, path: await copyHome(source, workDir, host.user, run) };
}

/** A registration and its traces belong to one worker. */
const OWN = new Set([".runner", ".credentials", ".credentials_rsaparams", "_work", "_diag", HOOKS_FOLDER]);
/** Written in place by config.sh; a hard link would change the shared file. */
const REWRITTEN = [".env", ".path"];
const COPY_MS = 120_000;

async function copyHome(
  source: string,
  workDir: string,
  owner: RunnerHost["user"],
  run: RunProgram,
): Promise<string> {
  const target = join(workDir, "runner");
  const entries = (await readdir(source)).filter((name) => !OWN.has(name));
  // Links make 6,000 files a matter of 0.1 s and of no space; they need the same file system and an owner's right.
  if (
    !(await copyEntries("-al", source, entries, target, run)) &&
    !(await copyEntries("-a", source, entries, target, run))
  ) {
    throw new Error(
      `${source} could not be copied to ${target}. Is there space, and may the worker write there?`,
    );
  }
  for (const name of REWRITTEN.filter((rewritten) => entries.includes(rewritten)))
    await unlinkCopy(join(target, name));
  if (owner) await chown(target, owner.uid, owner.gid);
  return target;
}

async function copyEntries(
  how: "-al" | "-a",
  source: string,
  entries: readonly string[],
  target: string,
  run: RunProgram,
): Promise<boolean> {
  await removeFolder(target);
  await mkdir(target, { recursive: true });
  const paths = entries.map((name) => join(source, name));
  const result = await run("cp", [how, "--", ...paths, target], COPY_MS);
  return result.type === "exited" && result.code === 0;
}

async function unlinkCopy(path: string): Promise<void> {
  await copyFile(path, `${path}.own`);
  await rename(`${path}.own`, path);
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
