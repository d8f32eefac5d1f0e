// What Lambda and serverless.yml put into a function's environment, read once per sandbox.
import { LOG_LEVELS, type LogLevel } from "../../shared/adapters/log/json-log.ts";
import { createEnvReader, type EnvSource } from "../../shared/config/env-reader.ts";
import { ConfigError } from "./config-error.ts";

export type Env = EnvSource["env"];

export type LambdaSettings = {
  readonly table: string;
  readonly region: string;
  readonly logLevel: LogLevel;
  /** Parameter Store path of the secrets, without a slash at its end; undefined: they are in the environment. */
  readonly secretsPath: string | undefined;
  /** The packed configuration; undefined: config.json beside the bundle. */
  readonly configFile: string | undefined;
  /** The role's temporary credentials; a sandbox does not outlive them. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | undefined;
  };
  /** AWS's own names for these, which its SDK reads too; undefined: AWS. */
  readonly endpoints: { readonly dynamodb: string | undefined; readonly ssm: string | undefined };
};

const SET_BY_LAMBDA = "Lambda sets it; outside of Lambda set it as for any AWS program.";

/** Throws ConfigError with every fault. */
export function readSettings(env: Env): LambdaSettings {
  const reader = createEnvReader({ env, readFile: noFile });
  const optional = (name: string, fix: string) => reader.text(name, { fix, standard: "" }) || undefined;
  const settings: LambdaSettings = {
    table: reader.text("DISPATCH_TABLE", { fix: "Set it to the DynamoDB table's name." }),
    region: reader.text("AWS_REGION", { fix: SET_BY_LAMBDA }),
    logLevel: reader.text("LOG_LEVEL", {
      fix: `Write one of ${LOG_LEVELS.join(", ")}.`,
      form: new RegExp(`^(${LOG_LEVELS.join("|")})$`),
      standard: "info",
    }) as LogLevel,
    secretsPath:
      reader.text("SECRETS_PATH", { ...SECRETS_PATH, standard: "" }).replace(/\/+$/, "") || undefined,
    configFile: optional("DISPATCH_CONFIG", "Write the path of a packed configuration."),
    credentials: {
      accessKeyId: reader.text("AWS_ACCESS_KEY_ID", { fix: SET_BY_LAMBDA }),
      secretAccessKey: reader.text("AWS_SECRET_ACCESS_KEY", { fix: SET_BY_LAMBDA }),
      sessionToken: optional("AWS_SESSION_TOKEN", SET_BY_LAMBDA),
    },
    endpoints: {
      dynamodb: optional("AWS_ENDPOINT_URL_DYNAMODB", "Write a URL."),
      ssm: optional("AWS_ENDPOINT_URL_SSM", "Write a URL."),
    },
  };
  if (reader.faults.length > 0) throw new ConfigError(reader.faults);
  return settings;
}

const SECRETS_PATH = {
  fix: "Write the path that the secrets have in Parameter Store, with a slash first: /npu-dispatch/prod.",
  form: /^(\/[\w./-]+)?$/,
};

function noFile(path: string): never {
  throw new Error(`${path} is not read: none of these settings has a _FILE form`);
}
