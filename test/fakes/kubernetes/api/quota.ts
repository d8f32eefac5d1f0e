// ResourceQuota and LimitRange at admission: defaults, "exceeded quota" and "must specify", worded as Kubernetes does.
import { parseQuantity } from "../../../../shared/adapters/pools/kubernetes/quantity.ts";
import type { ClusterState } from "../cluster-state.ts";
import type { Json, KubeObject } from "../objects.ts";
import { forbidden, type Resource } from "./status.ts";

/** Fills in a LimitRange's defaults and refuses what is above its maximum. Changes `pod`. */
export function applyLimitRanges(
  state: ClusterState,
  namespace: string,
  resource: Resource,
  pod: Json,
): void {
  for (const range of state.objects.list("LimitRange", namespace)) {
    for (const item of range.spec.limits.filter(({ type }: Json) => type === "Container")) {
      for (const container of pod.spec.containers)
        limitContainer(container, item, resource, pod.metadata?.name ?? "");
    }
  }
}

function limitContainer(container: Json, item: Json, resource: Resource, name: string): void {
  const { limits = {}, requests = {} } = container.resources ?? {};
  container.resources = {
    limits: { ...item.default, ...limits },
    requests: { ...item.defaultRequest, ...item.default, ...requests },
  };
  for (const [key, most] of Object.entries<string>(item.max ?? {})) {
    const asked = container.resources.limits[key];
    if (asked !== undefined && value(asked) > value(most)) {
      throw forbidden(resource, name, `maximum ${key} usage per Container is ${most}, but limit is ${asked}`);
    }
  }
}

/** `object` is not counted yet. */
export function checkQuotas(state: ClusterState, namespace: string, resource: Resource, object: Json): void {
  const name = object.metadata?.name ?? object.metadata?.generateName ?? "";
  for (const quota of state.objects.list("ResourceQuota", namespace)) {
    const hard: { readonly [key: string]: string } = quota.spec.hard;
    if (resource.kind === "Pod") checkSpecified(quota, resource, object, name);
    const over = Object.keys(hard).filter((key) => {
      const asked = usage(key, resource.kind, object);
      return asked > 0 && asked + used(state, namespace, key) > value(hard[key] ?? "0");
    });
    if (over.length === 0) continue;
    const text = (of: (key: string) => string | number) => over.map((key) => `${key}=${of(key)}`).join(",");
    const requested = text((key) => usage(key, resource.kind, object));
    const before = text((key) => used(state, namespace, key));
    const limited = text((key) => hard[key] ?? "0");
    throw forbidden(
      resource,
      name,
      `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${before}, limited: ${limited}`,
    );
  }
}

/** A quota on cpu or memory demands that every container says how much. */
function checkSpecified(quota: KubeObject, resource: Resource, pod: Json, name: string): void {
  const needed = Object.keys(quota.spec.hard).filter((key) =>
    /^(limits|requests)\.(cpu|memory)$|^(cpu|memory)$/.test(key),
  );
  const missing = needed.flatMap((key) => {
    const [kind = "requests", what = kind] = key.includes(".") ? key.split(".") : ["requests", key];
    const without = pod.spec.containers.filter(
      ({ resources }: Json) => resources?.[kind]?.[what] === undefined,
    );
    return without.length === 0 ? [] : [`${key} for: ${without.map((entry: Json) => entry.name).join(",")}`];
  });
  if (missing.length > 0) {
    throw forbidden(
      resource,
      name,
      `failed quota: ${quota.metadata.name}: must specify ${missing.join("; ")}`,
    );
  }
}

function used(state: ClusterState, namespace: string, key: string): number {
  const sum = (kind: string, of: (object: KubeObject) => boolean) =>
    state.objects
      .list(kind, namespace)
      .filter(of)
      .reduce((total, object) => total + usage(key, kind, object), 0);
  const counts = ({ status }: KubeObject) => status?.phase !== "Succeeded" && status?.phase !== "Failed";
  return sum("Pod", counts) + sum("Job", () => true) + sum("Secret", () => true);
}

function usage(key: string, kind: string, object: Json): number {
  const counted: { readonly [key: string]: string } = {
    pods: "Pod",
    "count/pods": "Pod",
    "count/jobs.batch": "Job",
    "count/secrets": "Secret",
  };
  if (counted[key] !== undefined) return counted[key] === kind ? 1 : 0;
  if (kind !== "Pod") return 0;
  const [, prefix = "requests", what = key] = /^(requests|limits)\.(.+)$/.exec(key) ?? [];
  return object.spec.containers.reduce(
    (sum: number, { resources }: Json) => sum + value(resources?.[prefix]?.[what] ?? "0"),
    0,
  );
}

function value(text: string): number {
  return parseQuantity(text) ?? 0;
}
