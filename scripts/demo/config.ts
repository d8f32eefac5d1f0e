// The demo's configuration file, parsed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../shared/config/config.ts";
import { formatFaults } from "../../shared/config/config.ts";
import { parseConfig } from "../../shared/config/parse.ts";

export function demoConfig(): Config {
  const parsed = parseConfig(readFileSync(join(import.meta.dirname, "dispatch.yaml"), "utf8"));
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults));
  return parsed.config;
}
