// One call of the command: arguments and environment in, an exit code out.
import { type Backend, chooseBackend } from "./choose-backend.ts";
import { dockerConfig, readLogins } from "./docker-config.ts";
import { BuildFault } from "./fault.ts";
import { locateBuild } from "./locate-build.ts";
import { parseArguments, withEnvironment } from "./parse-arguments.ts";
import { runBuildkit } from "./run-buildkit.ts";
import { runExecutor } from "./run-executor.ts";
import { runSidecar } from "./run-sidecar.ts";
import type { Build, BuildDeps } from "./types.ts";
import { USAGE, VERSION } from "./usage.ts";

/**
 * The builder's own code; 128 and the signal's number when one ended it; 2 when nothing was built, with the reason on
 * stderr.
 */
export async function build(args: readonly string[], deps: BuildDeps): Promise<number> {
  if (args[0] === "version") {
    deps.print(VERSION);
    return 0;
  }
  if (args.length === 0 || args.some((arg) => arg === "--help" || arg === "-h")) {
    deps.print(USAGE);
    return args.length === 0 ? REFUSED : 0;
  }
  try {
    return await run(args, deps);
  } catch (error) {
    if (!(error instanceof BuildFault)) throw error;
    deps.complain(error.message);
    return REFUSED;
  }
}

const REFUSED = 2;

async function run(args: readonly string[], deps: BuildDeps): Promise<number> {
  const { env, cwd } = deps;
  const parsed = parseArguments(args);
  if (!parsed.ok) throw new BuildFault(parsed.fault);
  const choice = chooseBackend(env);
  if (!choice.ok) throw new BuildFault(choice.fault);
  const located = await locateBuild(withEnvironment(parsed.options, env), cwd, env);
  if (!located.ok) throw new BuildFault(located.fault);
  const { options, sources } = located;
  const config = await dockerConfig(env);
  if (config !== undefined) await readLogins(config);
  return await start(choice.backend, {
    options,
    sources,
    config,
    env: { ...env, ...(config && { DOCKER_CONFIG: config }) },
    deps,
  });
}

async function start(backend: Backend, build: Build): Promise<number> {
  switch (backend.type) {
    case "executor":
      return await runExecutor(backend, build);
    case "buildkit":
      return await runBuildkit(backend, build);
    case "sidecar":
      return await runSidecar(backend, build);
  }
}
