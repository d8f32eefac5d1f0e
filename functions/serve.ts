// The dispatcher as one process with its embedded store: `npm start -- --port 8787 --data .npu-dispatch --config
// dispatch.yaml`.
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createJsonLog } from "../shared/adapters/log/json-log.ts";
import { createSqliteStores } from "../shared/adapters/sqlite/sqlite-stores.ts";
import { steadyClock, systemClock } from "../shared/adapters/system/clock.ts";
import type { Config, ConfigFault } from "../shared/config/config.ts";
import { formatFaults } from "../shared/config/config.ts";
import { parseConfig } from "../shared/config/parse.ts";
import type { Secrets } from "../shared/config/secrets.ts";
import { readSecrets, secretTexts, secretVariables } from "../shared/config/secrets.ts";
import type { ServerSettings } from "../shared/config/server-settings.ts";
import { readServerSettings } from "../shared/config/server-settings.ts";
import type { Log } from "../shared/ports/log.ts";
import type { Change } from "../shared/ports/store.ts";
import { createLogOutput } from "./log-output.ts";
import { withCommandsFrom } from "./serve/local-commands.ts";
import { runnerFaults } from "./serve/local-runner.ts";
import { ownSecret } from "./serve/own-secret.ts";
import {
  appKeyFaults,
  dataFaults,
  githubPortRemark,
  publicUrlFaults,
  startFault,
} from "./serve/start-faults.ts";
import type { RunningServer } from "./server.ts";
import { startServer } from "./server.ts";
import { workerCommand } from "./worker-command.ts";

const OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  data: { type: "string" },
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const DEFAULT_PORT = "8787";
const USAGE = `usage: npm start -- [--port 8787] [--host 127.0.0.1] [--data .npu-dispatch] [--config dispatch.yaml]
  --port, --host  where it listens; PORT, HOST
  --data          folder of its state; DISPATCH_DATA
  --config        pools, endpoints and tenants; DISPATCH_CONFIG
From the environment, where an endpoint waits for workflow jobs (startedBy: webhook):
  GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY_FILE, GITHUB_WEBHOOK_SECRET
where workers of a local pool run workflow jobs:
  RUNNER_HOME     an unpacked actions/runner; as root also RUNNER_USER
All of them: docs/configuration.md. Without a GitHub App: docs/programs.md. To see it work: npm run demo
`;

try {
  await main();
} catch (error) {
  stop(startFault(error, { isDebug: process.env["LOG_LEVEL"] === "debug" }));
}

async function main(): Promise<void> {
  const { help, ...args } = parseArgs({ options: OPTIONS }).values;
  if (help) return void process.stdout.write(USAGE);
  const env = withArguments(process.env, args);
  const settings = readServerSettings({ env, readFile });
  const { dataDir, configFile, host, port, runnerHome, runnersDir, deviceDir, logLevel } = settings.settings;
  const data = dataFaults(dataDir);
  const own = data.length === 0 ? ownSecret(env, dataDir) : {};
  const config = readConfig(configFile);
  const templates = config.ok ? config.config.templates : [];
  const needsApp = !config.ok || templates.some(({ startedBy }) => startedBy === "webhook");
  const needs = { needsApp, variables: secretVariables(templates) };
  const secrets = readSecrets({ env: { ...env, ...own }, readFile }, needs);
  const faults = [
    ...(settings.ok ? [] : settings.faults),
    ...data,
    ...(secrets.ok ? appKeyFaults(secrets.secrets.app?.appPrivateKey) : secrets.faults),
    ...(config.ok
      ? [
          ...runnerFaults(config.config, { runnerHome, dataDir, runnersDir, env }),
          ...publicUrlFaults(config.config),
        ]
      : config.faults),
  ];
  if (faults.length > 0 || !secrets.ok || !config.ok) return stop(formatFaults(faults));
  const log = createJsonLog({
    write: logOutput(),
    clock: systemClock,
    level: logLevel,
    secrets: () => secretTexts(secrets.secrets),
  });
  const remark = githubPortRemark(secrets.secrets.githubApiUrl);
  if (remark !== undefined) log.warn("github-port", { message: remark });
  const starting = startServer({
    config: config.config,
    secrets: secrets.secrets,
    host,
    port,
    poolsDir: join(dataDir, "pools"),
    runnersDir: resolve(runnersDir),
    openStores: async (onChange) => openSqlite(dataDir, onChange),
    workerCommand: workerCommand(),
    deviceDir,
    baseEnv: env,
    workerEnv: runnerEnv(runnerHome, secrets.secrets),
    log,
  });
  endBySignal(starting, log);
  await starting;
}

function logOutput(): (line: string) => void {
  // Nor is there anybody who could be told when that one is closed too.
  process.stderr.on("error", () => undefined);
  return createLogOutput(process.stdout, ({ message }) => {
    process.stderr.write(
      `The log cannot be written any more (${message}): the dispatcher goes on without it.\n`,
    );
  });
}

/** From the start on: as the first process of a container it would not end by a signal that it does not handle. */
function endBySignal(starting: Promise<RunningServer>, log: Log): void {
  let closing = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      // Workers go on without us; a second signal does not wait for answers under way.
      if (closing) process.exit(1);
      closing = true;
      starting
        .then((server) => server.close())
        .then(
          () => process.exit(0),
          (error: unknown) => {
            log.error("close-failed", { error });
            process.exit(1);
          },
        );
    });
  }
}

function withArguments(
  env: NodeJS.ProcessEnv,
  args: { port?: string; host?: string; data?: string; config?: string },
) {
  return {
    ...env,
    PORT: args.port ?? env["PORT"] ?? DEFAULT_PORT,
    ...(args.host === undefined ? {} : { HOST: args.host }),
    ...(args.data === undefined ? {} : { DISPATCH_DATA: args.data }),
    ...(args.config === undefined ? {} : { DISPATCH_CONFIG: args.config }),
  };
}

function readConfig(
  file: string,
): { ok: true; config: Config } | { ok: false; faults: readonly ConfigFault[] } {
  try {
    const parsed = parseConfig(readFile(file));
    return parsed.ok ? { ok: true, config: withCommandsFrom(dirname(file), parsed.config) } : parsed;
  } catch (error) {
    const message = `The configuration cannot be read: ${(error as Error).message}.`;
    return { ok: false, faults: [{ path: file, message, fix: "Name the file with --config." }] };
  }
}

function openSqlite(dataDir: string, onChange: (change: Change) => void) {
  const stores = createSqliteStores({ file: join(dataDir, "dispatch.db"), clock: steadyClock, onChange });
  return { stores, close: () => stores.close() };
}

/** Workers of this machine share one unpacked runner, each in a copy of its own. */
function runnerEnv(home: ServerSettings["runnerHome"], secrets: Secrets): { [name: string]: string } {
  const shared = { GITHUB_API_URL: secrets.githubApiUrl, RUNNER_HOME_SHARED: "1" };
  return home === undefined ? shared : { ...shared, RUNNER_HOME: resolve(home) };
}

function readFile(path: string): string {
  return readFileSync(path, "utf8");
}

function stop(why: string): void {
  process.stderr.write(
    `npu-dispatch cannot start:\n${why}\nTo see it work without an account: npm run demo\nTo serve the API alone, without a GitHub App: docs/programs.md\n`,
  );
  process.exit(1);
}
