// Where actions/runner keeps the locations of GitHub's services: `$localappdata`, else the user's `~/.config` if that
// folder exists, else below /usr/share, where it may not write and then waits for up to ten random times 150 ms at each
// connection (VssFileStorage.cs:188-210, XmlUtility.cs:52-146 of actions/runner 258d6c857): 5.4 s instead of 2.0 s to a
// job's first step.
import { join } from "node:path";
import type { WorkerClock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { passedVariables } from "./runner-env.ts";
import type { RunnerHost } from "./runner-host.ts";

export type ServiceCacheSpec = {
  readonly home: string;
  readonly env: Environment;
  readonly host: Pick<RunnerHost, "user" | "start">;
  readonly clock: WorkerClock;
};

/** Makes the folder, as the runner's user, whoever that is. @returns variables for the runner, where his home cannot hold it */
export async function prepareServiceCache(spec: ServiceCacheSpec): Promise<Record<string, string>> {
  const { home, env, host, clock } = spec;
  const variables = passedVariables(env);
  const { HOME, localappdata }: Environment = variables;
  const own = host.user?.home ?? HOME;
  if (localappdata) return {};
  if (own === undefined) return { localappdata: home };
  const { ended } = host.start({
    command: { program: "sh", args: ["-c", MAKE, "sh", join(own, ".config")] },
    cwd: home,
    env: variables,
    onLine: () => undefined,
    clock,
  });
  const end = await ended;
  return end.type === "exited" && end.code === 0 ? {} : { localappdata: home };
}

const MAKE = '{ [ -d "$1" ] || mkdir -m 700 -- "$1"; } 2>/dev/null && [ -w "$1" ] && [ -x "$1" ]';
