// Pools of driver `local` under Lambda: refused, for a function has no machine, unless its sandboxes run on one of ours.
import type { Config } from "../../shared/config/config.ts";
import type { PoolParts } from "../pools.ts";
import { ConfigError } from "./config-error.ts";
import type { Env } from "./settings.ts";

/**
 * `LOCAL_POOL_DIR` (a folder that all sandboxes share), `LOCAL_WORKER_COMMAND` (a JSON list: program and arguments) and
 * `RUNNER_HOME` are for the demo and the tests, whose sandboxes are processes of this machine.
 */
export function localPools(
  config: Config,
  env: Env,
  githubApiUrl: string,
): Pick<PoolParts, "dir" | "workerCommand" | "baseEnv" | "workerEnv"> {
  const { LOCAL_POOL_DIR: dir = "", LOCAL_WORKER_COMMAND: command, RUNNER_HOME: home } = env;
  const local = config.pools.filter((pool) => pool.driver === "local").map((pool) => pool.name);
  if (local.length > 0 && dir === "") {
    throw new ConfigError([
      {
        path: `pools.${local[0]}.driver`,
        message: `Pools of driver "local" (${local.join(", ")}) run on the dispatcher's own machine; Lambda has none.`,
        fix: 'Use a pool of another driver, or run the single-process server there: "npm start".',
      },
    ]);
  }
  const runner = home === undefined ? {} : { RUNNER_HOME: home, RUNNER_HOME_SHARED: "1" };
  return {
    dir,
    workerCommand: commandOf(command),
    baseEnv: env,
    workerEnv: { GITHUB_API_URL: githubApiUrl, ...runner },
  };
}

function commandOf(text: string | undefined): readonly string[] {
  const fault = {
    path: "LOCAL_WORKER_COMMAND",
    message: "It is not a JSON list of texts.",
    fix: 'Write program and arguments: ["node","dist/worker/main.mjs"].',
  };
  if (text === undefined) return [];
  const command = parse(text);
  if (!Array.isArray(command) || !command.every((word) => typeof word === "string")) {
    throw new ConfigError([fault]);
  }
  return command;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (_notJson) {
    return undefined;
  }
}
