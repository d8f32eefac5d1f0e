// The demo's configuration file, parsed; its workers run in another pool where one is given.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Config } from "../../shared/config/config.ts";
import { formatFaults } from "../../shared/config/config.ts";
import { parseConfig } from "../../shared/config/parse.ts";

/** `pool`: as under `pools.<name>` of dispatch.yaml. */
export function demoConfig(pool?: { readonly [setting: string]: unknown }): Config {
  const text = readFileSync(join(import.meta.dirname, "dispatch.yaml"), "utf8");
  const parsed = parseConfig(
    pool === undefined ? text : stringify({ ...parse(text), pools: { demo: pool } }),
  );
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults));
  return parsed.config;
}
