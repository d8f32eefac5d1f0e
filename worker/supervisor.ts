// Entry of the supervisor, the first program of the worker image: `supervisor.mjs worker.mjs`. Two users where it may,
// else one.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createJsonLog } from "../shared/adapters/log/json-log.ts";
import { createSystemClock } from "./clock.ts";
import { EXIT_CONFIG, EXIT_FAULT } from "./exit-codes.ts";
import { readPasswd } from "./runner/runner-user.ts";
import { decideIdentity, parseCapabilities } from "./supervisor/decide-identity.ts";
import { processesOf } from "./supervisor/kill-user.ts";
import { supervise } from "./supervisor/supervise.ts";

const { env } = process;
const clock = createSystemClock();
const log = createJsonLog({
  write: (line) => process.stdout.write(`${line}\n`),
  clock,
  secrets: () => [env["RUNPOD_AI_API_KEY"], env["GITHUB_PAT"]].filter((secret) => secret !== undefined),
});

const code = await main(process.argv[2]).catch((error: unknown) => {
  log.error("supervisor-fault", { message: "The worker could not be started or supervised.", error });
  return EXIT_FAULT;
});
// In one process with the worker that one ends it.
if (code !== undefined) process.exit(code);

async function main(entry: string | undefined): Promise<number | undefined> {
  if (entry === undefined) {
    log.error("config-fault", {
      message: "The supervisor needs the path of the worker: supervisor.mjs worker.mjs.",
    });
    return EXIT_CONFIG;
  }
  const status = await readFile("/proc/self/status", "utf8");
  const identity = decideIdentity(env, await readPasswd(), process.getuid?.(), parseCapabilities(status));
  if (identity.type === "impossible") {
    log.error("config-fault", { message: identity.message });
    return EXIT_CONFIG;
  }
  if (identity.type === "one") {
    log[identity.warning ? "warn" : "info"]("one-user", { message: identity.remark });
    // Nobody else empties the work folder in a container.
    env["WORKER_CLEANS"] = "1";
    await import(pathToFileURL(resolve(entry)).href);
    return undefined;
  }
  const { worker, runner } = identity;
  const strangers = processesOf(runner.uid).length;
  if (strangers > 0) {
    // With the host's processes in sight (hostPID), the end of a job would be the end of somebody else's.
    const message = `User ${runner.uid} runs ${strangers} processes already, which would be killed as the job's. Give the container processes of its own, or RUNNER_USER a user that nobody else has.`;
    log.error("config-fault", { message });
    return EXIT_CONFIG;
  }
  log.info("two-users", { message: `The worker runs as user ${worker.uid}, its runner as ${runner.uid}.` });
  return await supervise({
    worker,
    runner,
    command: { program: process.execPath, args: [...process.execArgv, resolve(entry)] },
    env,
    workDir: resolve(env["WORKER_DIR"] || "."),
    runnerHome: resolve(env["RUNNER_HOME"] || "/home/runner"),
    clock,
    log,
    onSignal(handle) {
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => handle(signal));
    },
  });
}
