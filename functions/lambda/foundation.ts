// What every function starts with: its settings, the packed configuration, its secrets and its log.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createJsonLog } from "../../shared/adapters/log/json-log.ts";
import { readParameters } from "../../shared/adapters/ssm/read-parameters.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { systemRandom } from "../../shared/adapters/system/random.ts";
import type { Config } from "../../shared/config/config.ts";
import type { EnvSource } from "../../shared/config/env-reader.ts";
import { fromPacked } from "../../shared/config/packed.ts";
import { type Read, type SomeSecrets, secretTexts } from "../../shared/config/secrets.ts";
import type { Log } from "../../shared/ports/log.ts";
import { ConfigError } from "./config-error.ts";
import { type Env, type LambdaSettings, readSettings } from "./settings.ts";

export type Foundation<Needed> = {
  readonly settings: LambdaSettings;
  readonly config: Config;
  readonly secrets: Needed;
  readonly log: Log;
};

/** Which secrets a function may read; its role allows it no others. */
export type Needs<Needed> = {
  readonly names: readonly string[];
  /** Of its programs, in a folder of their own below the path. */
  readonly programs?: (config: Config) => readonly string[];
  readonly read: (source: EnvSource, config: Config) => Read<Needed>;
};

/** `dir`: the folder of the bundle. Throws ConfigError for what only an operator can put right. */
export async function layFoundation<Needed extends SomeSecrets>(
  env: Env,
  dir: string,
  needs: Needs<Needed>,
): Promise<Foundation<Needed>> {
  const settings = readSettings(env);
  const reading = readConfig(settings.configFile ?? join(dir, "config.json"));
  const [config, own, given] = await Promise.all([
    reading,
    readParametersAt(settings, "", needs.names),
    reading.then((known) => readParametersAt(settings, "/programs", needs.programs?.(known) ?? [])),
  ]);
  const parameters = { ...given, ...own };
  const read = needs.read({ env: { ...env, ...parameters }, readFile: noFile }, config);
  if (!read.ok) throw new ConfigError(read.faults);
  const texts = [...secretTexts(read.secrets), settings.credentials.secretAccessKey];
  const log = createJsonLog({
    // Standard output is a pipe, which Node writes synchronously: no line is lost when the sandbox is frozen.
    write: (line) => process.stdout.write(`${line}\n`),
    clock: systemClock,
    level: settings.logLevel,
    secrets: () => texts,
  });
  return { settings, config, secrets: read.secrets, log };
}

/** Each by its own name, as variables of the environment are. */
async function readParametersAt(
  settings: LambdaSettings,
  folder: string,
  names: readonly string[],
): Promise<{ readonly [name: string]: string }> {
  if (settings.secretsPath === undefined || names.length === 0) return {};
  const options = { ...settings, endpoint: settings.endpoints.ssm, random: systemRandom };
  return await readParameters(options, `${settings.secretsPath}${folder}`, names);
}

async function readConfig(file: string): Promise<Config> {
  try {
    return fromPacked(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new Error(`The packed configuration ${file} cannot be used. Package again: npm run package.`, {
      cause,
    });
  }
}

function noFile(path: string): never {
  throw new Error(`${path}: a function has no files of its own; give the secret itself or use SECRETS_PATH`);
}
