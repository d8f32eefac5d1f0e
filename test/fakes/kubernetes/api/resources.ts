// The kinds that the stand-in serves, and the way from a URL's path to one of them.
import type { Resource } from "./status.ts";

type Served = Resource & { readonly namespaced: boolean };

const CORE = { group: "", namespaced: true };
const SERVED: readonly Served[] = [
  { ...CORE, plural: "pods", kind: "Pod" },
  { ...CORE, plural: "secrets", kind: "Secret" },
  { ...CORE, plural: "events", kind: "Event" },
  { ...CORE, plural: "namespaces", kind: "Namespace", namespaced: false },
  { ...CORE, plural: "nodes", kind: "Node", namespaced: false },
  { plural: "jobs", kind: "Job", group: "batch", namespaced: true },
];

export const POD: Resource = { plural: "pods", group: "", kind: "Pod" };

export type Target = {
  readonly resource: Served;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly sub: string | undefined;
};

/** `/apis/batch/v1/namespaces/{namespace}/jobs/{name}/status` and the like; undefined: there is no such path. */
export function targetOf(path: string): Target | undefined {
  const [, core, group = "", rest = ""] = /^\/(?:(api\/v1)|apis\/([^/]+)\/v1)\/(.+)$/.exec(path) ?? [];
  const parts = rest.split("/").map(decodeURIComponent);
  const scoped = parts[0] === "namespaces" && parts.length > 2;
  const [plural, name, sub] = scoped ? parts.slice(2) : parts;
  const resource = SERVED.find((served) => served.plural === plural && served.group === (core ? "" : group));
  if (resource === undefined || (scoped && !resource.namespaced)) return undefined;
  return { resource, namespace: scoped ? parts[1] : undefined, name, sub };
}
