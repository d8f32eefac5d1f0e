// Names, labels and namespaces that Kubernetes accepts, whatever a tenant, a repository or an endpoint is called.
import { createHash } from "node:crypto";
import type { StartSpec } from "../../../ports/pool-driver.ts";

/** Label keys of everything that a pool makes. */
export const LABEL = {
  managedBy: "app.kubernetes.io/managed-by",
  deployment: "npu-dispatch/deployment",
  pool: "npu-dispatch/pool",
  worker: "npu-dispatch/worker",
  endpoint: "npu-dispatch/endpoint",
  tenant: "npu-dispatch/tenant",
} as const;

export const MANAGER = "npu-dispatch";
/** The container that is the worker. */
export const CONTAINER = "worker";
/** The other one, where its pool has a builder. */
export const BUILDER = "builder";

/** Which pool of which dispatcher: several may share a cluster. */
export type Owner = { readonly deployment: string; readonly pool: string };

export function ownerLabels({ deployment, pool }: Owner): { [key: string]: string } {
  return {
    [LABEL.managedBy]: MANAGER,
    [LABEL.deployment]: labelValue(deployment),
    [LABEL.pool]: labelValue(pool),
  };
}

/** Selects what is ours, of one worker if one is named. */
export function selectorOf(owner: Owner, worker?: string): string {
  const labels = { ...ownerLabels(owner), ...(worker !== undefined && { [LABEL.worker]: worker }) };
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

/** Label values and namespaces have the same limit. */
const MAX_LENGTH = 63;
const HASH_LENGTH = 10;

/** A text as a label value; one that had to be changed carries a hash, so that two texts never become one value. */
export function labelValue(text: string): string {
  if (/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(text) && text.length <= MAX_LENGTH) return text;
  return hashed(text.replace(/[^-A-Za-z0-9_.]+/g, "-"), text);
}

/**
 * Namespaces that a cluster or its add-ons have: `kube-` is kept for Kubernetes (kubernetes.io, "Namespaces"), `openshift-`
 * for OpenShift, and add-ons such as Volcano live in one that ends in `-system`.
 */
const SYSTEM = /^(default|(kube|openshift|cattle|istio)-.*|.*-system)$/;

type Who = Pick<StartSpec, "owner" | "repository" | "tenant">;

/**
 * The namespace of a worker. Two tenants never get the same one: `{owner}` and `{repository}` are put in lower case, as
 * GitHub compares them, and where anything else must change, or the name is too long, `--` and a hash are appended,
 * which no login has and no value without a hash keeps. So they are where a tenant's name would be the cluster's own
 * namespace. Undefined: the template needs what is not known.
 */
export function namespaceOf(template: string, who: Who): string | undefined {
  const values: { readonly [name: string]: string | undefined } = { ...who };
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  const filled = names.map((name) => values[name]?.toLowerCase());
  if (filled.includes(undefined)) return undefined;
  const text = names.reduce(
    (rest, name, index) => rest.replace(`{${name}}`, () => filled[index] ?? ""),
    template,
  );
  const plain = filled.every((value) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value ?? ""));
  const isOurs = names.length === 0 || !SYSTEM.test(text);
  return plain && isOurs && text.length <= MAX_LENGTH ? text : hashed(text.replace(/[^a-z0-9]+/g, "-"), text);
}

function hashed(readable: string, original: string): string {
  const hash = createHash("sha256").update(original).digest("hex").slice(0, HASH_LENGTH);
  const start = readable.replace(/^[^A-Za-z0-9]+/, "").slice(0, MAX_LENGTH - HASH_LENGTH - 2);
  return start === "" ? `x--${hash}` : `${start.replace(/[^A-Za-z0-9]+$/, "")}--${hash}`;
}
