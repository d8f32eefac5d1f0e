// Reads dispatch.yaml: every fault at once, each with its place and its fix.
import { parseDocument } from "yaml";
import { expandEndpoint } from "../domain/admission/endpoint.ts";
import { checkEndpoints } from "./check-endpoints.ts";
import { checkLabels } from "./check-labels.ts";
import { checkPools, checkTenants } from "./check-tenants.ts";
import type { Config, ConfigFault } from "./config.ts";
import { draftOf } from "./draft.ts";
import { architectureOf } from "./pools/architecture.ts";
import { checkBuilders } from "./pools/check-builders.ts";
import { resolveApiKey, resolveEndpoint, resolvePool, resolveTenant } from "./resolve.ts";
import { configSchema, type PoolSpec } from "./schema.ts";
import { schemaFaults } from "./schema-faults.ts";

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** `text` is YAML (or JSON); `machine`: Node's name of this machine's architecture. Never throws. */
export function parseConfig(text: string, machine: string = process.arch): ParsedConfig {
  const read = readYaml(text);
  if ("faults" in read) return { ok: false, faults: read.faults };
  const parsed = configSchema.safeParse(read.document);
  const draft = draftOf(read.document);
  const faults = [
    ...(parsed.success ? [] : schemaFaults(parsed.error, read.document)),
    ...checkPools(draft),
    ...checkEndpoints(draft),
    ...checkBuilders(draft),
    ...checkLabels(draft),
    ...checkTenants(draft),
  ];
  if (!parsed.success || faults.length > 0) return { ok: false, faults: unique(faults) };
  const pools = Object.entries(parsed.data.pools).map(([name, spec]) => resolvePool(name, spec));
  const templates = parsed.data.endpoints.map((spec) => {
    // A pool that is missing is a fault.
    const pool = parsed.data.pools[spec.pool] as PoolSpec;
    return resolveEndpoint(spec, { kind: pool.kind, architecture: architectureOf(pool, machine) });
  });
  return {
    ok: true,
    config: {
      publicUrl: parsed.data.publicUrl?.replace(/\/+$/, ""),
      pools,
      templates,
      endpoints: templates.flatMap(expandEndpoint),
      tenants: parsed.data.tenants.map(resolveTenant),
      apiKeys: parsed.data.apiKeys.map(resolveApiKey),
      oidcIssuer: parsed.data.oidcIssuer.replace(/\/+$/, ""),
      callbackAllow: parsed.data.callbacks.allow,
      limits: parsed.data.limits,
    },
  };
}

function readYaml(text: string): { document: unknown } | { faults: ConfigFault[] } {
  // `<<` is of YAML 1.1, and what people use to write a pool once.
  const document = parseDocument(text, { prettyErrors: true, merge: true });
  if (document.errors.length > 0) {
    return { faults: document.errors.map((error) => yamlFault(error.message, error.linePos?.[0].line)) };
  }
  try {
    return { document: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    return { faults: [yamlFault(error instanceof Error ? error.message : String(error), undefined)] };
  }
}

function yamlFault(message: string, line: number | undefined): ConfigFault {
  return {
    path: line === undefined ? "dispatch.yaml" : `line ${line}`,
    message: `This is not valid YAML: ${message.split("\n")[0]?.replace(/:$/, "")}.`,
    fix: "Check indentation, colons and quotes there.",
  };
}

/** The counts of one pattern share its faults. */
function unique(faults: readonly ConfigFault[]): ConfigFault[] {
  return [...new Map(faults.map((fault) => [`${fault.path} ${fault.message}`, fault])).values()];
}
