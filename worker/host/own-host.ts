// The worker starts and ends its runner by itself: under its own user, or as root under RUNNER_USER.
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { clearFolder } from "../../shared/adapters/system/clear-folder.ts";
import { emptyFolder, giveFolder } from "../../shared/adapters/system/empty-folder.ts";
import type { WorkerClock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { registryLogins } from "../kaniko/docker-config.ts";
import { KILL_ROUND_MS, KILL_ROUNDS, killProcess, listPids } from "../process/process-session.ts";
import { createProgramRunner } from "../process/run-program.ts";
import { passedVariables } from "../runner/runner-env.ts";
import type { RunnerHost } from "../runner/runner-host.ts";
import { startProcess } from "../runner/runner-process.ts";
import { asUser, type RunnerUser } from "../runner/runner-user.ts";

export type OwnHostDeps = {
  readonly user: RunnerUser | undefined;
  readonly env: Environment;
  readonly clock: WorkerClock;
  /** Of this run alone; no secret. */
  readonly marker: string;
  /** False where somebody else removes the runner's folder: the local pool. */
  readonly cleans: boolean;
};

/** Carried by all that a runner starts, unless it drops its environment: then only its session gives it away. */
const MARKER = "NPU_DISPATCH_RUNNER";
const CLEAN_MS = 20_000;
/** Undefined nowhere but on Windows. */
const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

export function createOwnHost({ user, env, clock, marker, cleans }: OwnHostDeps): RunnerHost {
  const mark = `${MARKER}=${marker}`;
  return {
    user,
    supervised: false,
    start: (spec) =>
      startProcess(
        { ...spec, command: asUser(spec.command, user), env: { ...spec.env, [MARKER]: marker } },
        () => killMarked(mark, clock),
      ),
    run: createProgramRunner(passedVariables(env)),
    async clean(home) {
      const { found, left: undead } = await killMarked(mark, clock);
      const work = join(home, "_work");
      const left = cleans ? await clearFolder(work, user ?? OWN, AbortSignal.timeout(CLEAN_MS)) : 0;
      if (cleans && left === 0) await removeWork(work, user);
      if (cleans) await emptyLogins(registryLogins(env), user);
      return { killed: found, undead, left };
    },
  };
}

/** Where it is mounted it stays, for the next job. */
async function removeWork(work: string, user: RunnerUser | undefined): Promise<void> {
  try {
    await rm(work, { recursive: true, force: true });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EBUSY")) throw error;
    if (user !== undefined) await giveFolder(work, user, 0o755);
  }
}

async function emptyLogins(folder: string, user: RunnerUser | undefined): Promise<void> {
  await emptyFolder(folder, AbortSignal.timeout(CLEAN_MS));
  if (user !== undefined) await giveFolder(folder, user, 0o700);
}

async function killMarked(mark: string, clock: WorkerClock): Promise<{ found: number; left: number }> {
  const found = new Set<number>();
  for (let round = 0; round < KILL_ROUNDS; round += 1) {
    const pids = listPids().filter((pid) => isMarked(pid, mark));
    if (pids.length === 0) return { found: found.size, left: 0 };
    for (const pid of pids) {
      found.add(pid);
      killProcess(pid, "SIGKILL");
    }
    await clock.sleep(KILL_ROUND_MS);
  }
  return { found: found.size, left: listPids().filter((pid) => isMarked(pid, mark)).length };
}

/** A zombie has no environment. */
function isMarked(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(mark);
  } catch (error) {
    // Another user's, or it ended in between.
    if (error instanceof Error && "code" in error && GONE.includes(String(error.code))) return false;
    throw error;
  }
}

const GONE = ["ENOENT", "ESRCH", "EACCES", "EPERM"];
