// The stand-in's storage: objects by kind, namespace and name, with versions, uids, deletion and owners as etcd and the
// API have them.
import { randomUUID } from "node:crypto";

type OwnerReference = { readonly kind: string; readonly name: string; readonly uid: string };

type Metadata = {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generateName?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
};

// biome-ignore lint/suspicious/noExplicitAny: whatever JSON a client posts, already validated against its schema
export type Json = any;

export type KubeObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  spec?: Json;
  status?: Json;
  [field: string]: Json;
};

export type Objects = {
  /** Undefined when there is one of this name. */
  create(kind: string, draft: Json, namespace: string | undefined): KubeObject | undefined;
  get(kind: string, namespace: string | undefined, name: string): KubeObject | undefined;
  /** In the order of their keys, as etcd lists them. */
  list(kind: string, namespace?: string): KubeObject[];
  /** Notes that the object was changed in place. */
  touch(object: KubeObject): void;
  /** One with finalizers stays, and says since when it is to go, until the last of them is taken off. */
  remove(object: KubeObject): void;
  /** Takes the finalizer off. */
  finalize(object: KubeObject, finalizer: string): void;
  readonly version: () => number;
};

export function createObjects(): Objects {
  const all = new Map<string, KubeObject>();
  let version = 100;
  const isToGo = ({ metadata }: KubeObject) =>
    metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
  const remove = (object: KubeObject): void => {
    const { kind, metadata } = object;
    if (metadata.finalizers !== undefined && isToGo(object)) return;
    version += 1;
    if (metadata.finalizers === undefined) all.delete(keyOf(kind, metadata.namespace, metadata.name));
    else Object.assign(metadata, { deletionTimestamp: timestamp(), deletionGracePeriodSeconds: 0 });
  };
  const keyOf = (kind: string, namespace: string | undefined, name: string) =>
    `${kind}/${namespace ?? ""}/${name}`;

  return {
    create(kind, draft, namespace) {
      const { metadata = {}, status: _set, ...rest } = draft;
      const name = metadata.name ?? `${metadata.generateName}${randomUUID().slice(0, 5)}`;
      const key = keyOf(kind, namespace, name);
      if (all.has(key)) return undefined;
      version += 1;
      const object: KubeObject = {
        ...structuredClone(rest),
        metadata: {
          ...structuredClone(metadata),
          name,
          ...(namespace !== undefined && { namespace }),
          uid: randomUUID(),
          resourceVersion: String(version),
          creationTimestamp: timestamp(),
        },
      };
      all.set(key, object);
      return object;
    },
    get: (kind, namespace, name) => all.get(keyOf(kind, namespace, name)),
    list(kind, namespace) {
      const prefix = namespace === undefined ? `${kind}/` : `${kind}/${namespace}/`;
      const keys = [...all.keys()].filter((key) => key.startsWith(prefix)).sort((a, b) => (a < b ? -1 : 1));
      return keys.map((key) => all.get(key) as KubeObject);
    },
    touch(object) {
      version += 1;
      object.metadata.resourceVersion = String(version);
    },
    remove,
    finalize(object, finalizer) {
      const { metadata } = object;
      const left = metadata.finalizers?.filter((name) => name !== finalizer);
      if (left?.length === metadata.finalizers?.length) return;
      version += 1;
      if (left !== undefined && left.length > 0) metadata.finalizers = left;
      else delete metadata.finalizers;
      if (isToGo(object)) remove(object);
    },
    version: () => version,
  };
}

/** Whole seconds, as Kubernetes writes times. */
export function timestamp(at = Date.now()): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}
