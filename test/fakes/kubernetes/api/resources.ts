// The kinds that the stand-in serves, and the way from a URL's path to one of them.
import type { Resource } from "./status.ts";

type Served = Resource & { readonly namespaced: boolean; readonly version: string };

const CORE = { group: "", version: "v1", namespaced: true };
const SERVED: readonly Served[] = [
  { ...CORE, plural: "pods", kind: "Pod" },
  { ...CORE, plural: "secrets", kind: "Secret" },
  { ...CORE, plural: "events", kind: "Event" },
  { ...CORE, plural: "namespaces", kind: "Namespace", namespaced: false },
  { ...CORE, plural: "nodes", kind: "Node", namespaced: false },
  { plural: "jobs", kind: "Job", group: "batch", version: "v1", namespaced: true },
  // As in releases of Kueue that have but this version of its API.
  { plural: "workloads", kind: "Workload", group: "kueue.x-k8s.io", version: "v1beta1", namespaced: true },
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
  const [, core = "", rest = ""] = /^\/(api\/v1|apis\/[^/]+\/[^/]+)\/(.+)$/.exec(path) ?? [];
  const parts = rest.split("/").map(decodeURIComponent);
  const scoped = parts[0] === "namespaces" && parts.length > 2;
  const [plural, name, sub] = scoped ? parts.slice(2) : parts;
  const resource = SERVED.find((served) => served.plural === plural && pathOf(served) === core);
  if (resource === undefined || (scoped && !resource.namespaced)) return undefined;
  return { resource, namespace: scoped ? parts[1] : undefined, name, sub };
}

function pathOf({ group, version }: Served): string {
  return group === "" ? `api/${version}` : `apis/${versionOf({ group, version })}`;
}

/** `batch/v1`, `v1` */
export function versionOf({ group, version }: Pick<Served, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}
