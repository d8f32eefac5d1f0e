// Runs the worker under its own user, hands signals on to it, does for it what needs privilege, and ends with its exit
// code.
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { clearLeft } from "../../shared/adapters/system/clear-folder.ts";
import { giveFolder } from "../../shared/adapters/system/empty-folder.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { WorkerClock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { EXIT_FAULT } from "../exit-codes.ts";
import { registryLogins } from "../kaniko/docker-config.ts";
import { createProgramRunner } from "../process/run-program.ts";
import { asUser, type RunnerUser } from "../runner/runner-user.ts";
import { CHANNEL_FD, CHANNEL_VARIABLE } from "./channel.ts";
import { encode, requestReader } from "./protocol.ts";
import { createService } from "./serve-worker.ts";

export type Supervision = {
  readonly worker: RunnerUser;
  readonly runner: RunnerUser;
  /** The program of the worker and its arguments. */
  readonly command: { readonly program: string; readonly args: readonly string[] };
  readonly env: Environment;
  /** Absolute; becomes the worker's. */
  readonly workDir: string;
  readonly runnerHome: string;
  readonly clock: WorkerClock;
  readonly log: Log;
  readonly onSignal: (handle: (signal: NodeJS.Signals) => void) => void;
};

/** Resolves with the exit code of the worker. */
export async function supervise(given: Supervision): Promise<number> {
  const { worker, runner, env, workDir, runnerHome, clock, log } = given;
  await mkdir(workDir, { recursive: true });
  // To read for all, to write for the worker alone: result.json is there.
  await giveFolder(workDir, worker, 0o755);
  // A volume that a pool puts there is root's.
  await giveFolder(join(runnerHome, "_work"), runner, 0o755);
  const { program, args } = asUser(given.command, worker);
  const child = spawn(program, args, {
    cwd: workDir,
    env: { ...env, [CHANNEL_VARIABLE]: String(CHANNEL_FD) },
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? EXIT_FAULT));
  });
  given.onSignal((signal) => child.kill(signal));
  const channel = child.stdio[CHANNEL_FD] as Duplex;
  const run = createProgramRunner({ PATH: env["PATH"] });
  const reply = (message: Parameters<typeof encode>[0]) => {
    if (channel.writable) channel.write(encode(message));
  };
  const whenTaken = () => drained(channel);
  const logins = registryLogins(env);
  const service = createService({ runner, runnerHome, logins, run, clock, reply, whenTaken });
  const condemn = (message: string, error?: unknown) => {
    log.error("supervisor-fault", { message, error });
    child.kill("SIGKILL");
  };
  const read = requestReader(
    (request) => {
      service.serve(request).catch((error: unknown) => condemn("A request of the worker failed.", error));
    },
    () => condemn("The worker asked for something that does not exist; it is ended."),
  );
  channel.on("data", read);
  // The worker's end closes it; that end is what counts.
  channel.on("error", (error) => log.info("supervisor-channel", { message: "The worker hung up.", error }));
  const jobEnds = new AbortController();
  const leftovers = clearLeft(join(runnerHome, "_work"), jobEnds.signal).catch((error: unknown) =>
    log.warn("work-left", { message: "What an earlier job left was not removed.", error }),
  );
  const code = await ended;
  jobEnds.abort();
  await leftovers;
  await service.close();
  return code;
}

/** A job may print faster than the worker reads: 832 MB of its lines were waiting in memory once. */
function drained(channel: Duplex): Promise<void> | undefined {
  if (!channel.writableNeedDrain) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      channel.off("drain", done);
      channel.off("close", done);
      resolve();
    };
    channel.once("drain", done);
    channel.once("close", done);
  });
}
