// Settings of the single-process server from its environment: where it listens and what it reads and writes.
import { LOG_LEVELS, type LogLevel } from "../adapters/log/json-log.ts";
import type { ConfigFault } from "./config.ts";
import { createEnvReader, type EnvSource } from "./env-reader.ts";

export type ServerSettings = {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly configFile: string;
  /** Folder of the embedded store. */
  readonly dataDir: string;
  /** Folder of an unpacked actions/runner, for the local driver; undefined: it looks for one itself. */
  readonly runnerHome: string | undefined;
  /** Where the device files of this host's cards are; undefined: `/dev`. */
  readonly deviceDir: string | undefined;
  /** Where runners of local pools have their folders that run under another user, who may not enter the data folder. */
  readonly runnersDir: string;
  readonly logLevel: LogLevel;
};

export type ReadSettings =
  | { readonly ok: true; readonly settings: ServerSettings }
  /** The settings that have no fault may be used to look for further ones. */
  | { readonly ok: false; readonly faults: readonly ConfigFault[]; readonly settings: ServerSettings };

export function readServerSettings(source: EnvSource): ReadSettings {
  const env = createEnvReader(source);
  const settings: ServerSettings = {
    host: env.text("HOST", { fix: "Write an address or a host name.", standard: "127.0.0.1" }),
    port: Number(env.text("PORT", { fix: "Write a port from 0 to 65535.", form: PORT, standard: "8080" })),
    configFile: env.text("DISPATCH_CONFIG", { fix: "Write a path.", standard: "dispatch.yaml" }),
    dataDir: env.text("DISPATCH_DATA", { fix: "Write a path.", standard: ".npu-dispatch" }),
    runnerHome: env.text("RUNNER_HOME", { fix: "Write a path.", standard: "" }) || undefined,
    deviceDir: env.text("NPU_DISPATCH_DEVICE_DIR", { fix: "Write a path.", standard: "" }) || undefined,
    runnersDir: env.text("DISPATCH_RUNNERS", {
      fix: "Write a path.",
      standard: "/var/lib/npu-dispatch-runners",
    }),
    logLevel: env.text("LOG_LEVEL", {
      fix: `Write one of ${LOG_LEVELS.join(", ")}.`,
      form: new RegExp(`^(${LOG_LEVELS.join("|")})$`),
      standard: "info",
    }) as LogLevel,
  };
  return env.faults.length === 0 ? { ok: true, settings } : { ok: false, faults: env.faults, settings };
}

const PORT = /^(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/;
