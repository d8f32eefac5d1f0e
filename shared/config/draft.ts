// What of a document is well-formed, entry by entry, so that one bad entry does not hide the faults of the others.
import type * as z from "zod";
import {
  type EndpointSpec,
  endpointSchema,
  type PoolSpec,
  poolSchema,
  type TenantSpec,
  tenantSchema,
} from "./schema.ts";

export type Entry<T> = { readonly path: string; readonly spec: T };

export type Draft = {
  readonly pools: ReadonlyMap<string, Entry<PoolSpec>>;
  /** Names of all pools, also of those with faults of their own. */
  readonly poolNames: ReadonlySet<string>;
  readonly endpoints: readonly Entry<EndpointSpec>[];
  readonly tenants: readonly Entry<TenantSpec>[];
};

export function draftOf(document: unknown): Draft {
  const { pools, endpoints, tenants } = isRecord(document) ? (document as Partial<Sections>) : {};
  const named = isRecord(pools) ? Object.entries(pools) : [];
  const sound = named.flatMap(([name, value]) => {
    const parsed = poolSchema.safeParse(value);
    return parsed.success ? [[name, { path: `pools.${name}`, spec: parsed.data }] as const] : [];
  });
  return {
    pools: new Map(sound),
    poolNames: new Set(named.map(([name]) => name)),
    endpoints: entries("endpoints", endpoints, endpointSchema),
    tenants: entries("tenants", tenants, tenantSchema),
  };
}

type Sections = { readonly pools: unknown; readonly endpoints: unknown; readonly tenants: unknown };

function entries<T>(section: string, list: unknown, schema: z.ZodType<T>): Entry<T>[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((value, index) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? [{ path: `${section}[${index}]`, spec: parsed.data }] : [];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
