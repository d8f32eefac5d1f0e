// The demo's configuration files, parsed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { hashKey } from "../../functions/http/client/auth.ts";
import type { Config } from "../../shared/config/config.ts";
import { formatFaults } from "../../shared/config/config.ts";
import { parseConfig } from "../../shared/config/parse.ts";

/** The sample of docs/programs.md. */
export const SAMPLE_DIR = join(import.meta.dirname, "..", "..", "docs", "programs");
/** RunPod's own default; the demo waits for it. */
const IDLE = "5s";

/** `pool`: as under `pools.<name>` of dispatch.yaml, for the workers to run in another one. */
export function demoConfig(pool?: { readonly [setting: string]: unknown }): Config {
  const text = readFileSync(join(import.meta.dirname, "dispatch.yaml"), "utf8");
  return parsed(pool === undefined ? text : stringify({ ...parse(text), pools: { demo: pool } }));
}

/** The sample, with a key, and programs that end soon after their last job. */
export function apiConfig(key: string): Config {
  const sample = parse(readFileSync(join(SAMPLE_DIR, "dispatch.yaml"), "utf8"));
  const [{ owner, ownerId }] = sample.tenants;
  const endpoints = sample.endpoints.map((endpoint: object) => ({ ...endpoint, limits: { idle: IDLE } }));
  const apiKeys = [{ name: "demo", owner, ownerId, hash: hashKey(key) }];
  return parsed(stringify({ ...sample, endpoints, apiKeys }));
}

function parsed(text: string): Config {
  const read = parseConfig(text);
  if (!read.ok) throw new Error(formatFaults(read.faults));
  return read.config;
}
