// Chooses how this worker starts its runner: through the supervisor that started it, or by itself.
import { randomUUID } from "node:crypto";
import { Socket } from "node:net";
import type { Log } from "../../shared/ports/log.ts";
import type { WorkerClock } from "../clock.ts";
import type { Environment, WorkerConfig } from "../config.ts";
import { EXIT_FAULT } from "../exit-codes.ts";
import type { RunnerHost } from "../runner/runner-host.ts";
import { findUser, readPasswd, resolveRunnerUser } from "../runner/runner-user.ts";
import { CHANNEL_VARIABLE } from "../supervisor/channel.ts";
import { createOwnHost } from "./own-host.ts";
import { createSupervisedHost } from "./supervised-host.ts";

export type HostDeps = {
  readonly env: Environment;
  readonly config: Pick<WorkerConfig, "runnerUser" | "workDir">;
  readonly clock: WorkerClock;
  readonly log: Log;
  /** Ends the worker at once: without its supervisor it can do nothing more. */
  readonly exit: (code: number) => void;
};

/** Throws when RUNNER_USER names nobody. */
export async function createHost({ env, config, clock, log, exit }: HostDeps): Promise<RunnerHost> {
  const passwd = await readPasswd();
  const fd = env[CHANNEL_VARIABLE];
  if (fd === undefined) {
    const asRoot = process.getuid?.() === 0 && Boolean(env["RUNNER_ALLOW_RUNASROOT"]);
    const user = asRoot ? undefined : resolveRunnerUser(config.runnerUser, passwd, process.getuid?.());
    return createOwnHost({ user, env, clock, marker: randomUUID(), cleans: env["WORKER_CLEANS"] === "1" });
  }
  const user = findUser(config.runnerUser ?? "runner", passwd);
  if (user === undefined) throw new Error("The supervisor's runner user is unknown to the worker.");
  const channel = new Socket({ fd: Number(fd), readable: true, writable: true });
  const onLost = (message: string) => {
    log.error("supervisor-lost", { message });
    exit(EXIT_FAULT);
  };
  return createSupervisedHost({ user, channel, env, clock, workDir: config.workDir, onLost });
}
