// What the stand-in's parts share: the objects, the rules that tests set, and the events that its controllers write.
import type { Json, KubeObject, Objects } from "./objects.ts";
import { createObjects, timestamp } from "./objects.ts";

export type Rules = {
  /** RBAC: `create pods`, `list nodes`, `create jobs`; for everybody. */
  readonly denied: Set<string>;
  /** Namespaces with a RoleBinding for the caller; undefined: the role is bound in all. */
  roleBindings: Set<string> | undefined;
  /** The server has just started, and its authorizer has read no role yet. */
  rolesNotReadYet: boolean;
  /** An admission webhook: what it says against an object, if anything. */
  webhook: ((object: Json) => string | undefined) | undefined;
  /** A webhook without `sideEffects`, which the API server will not ask in a dry run. */
  webhookWithoutDryRun: boolean;
  /** Kueue is there: Jobs with a queue name are suspended until `admit`. */
  kueue: boolean;
  /** Why it does not admit them. */
  kueueSays: string;
  /** Volcano lets no group in: its words on the group, by the queue and by the gang. */
  volcano: readonly [string, string] | undefined;
  /** The scheduler puts pods where most is free, as Kubernetes' own does, and not on the first node that has room. */
  spread: boolean;
  /** New namespaces have no service account yet. */
  serviceAccountsLate: boolean;
  /** Bearer tokens that are known; empty: any. */
  readonly tokens: Set<string>;
};

type Image = { readonly pullMs?: number; readonly missing?: boolean };

export type ClusterState = {
  readonly objects: Objects;
  readonly rules: Rules;
  /** How images behave; others are there at once. */
  readonly images: Map<string, Image>;
  emit(about: KubeObject, type: "Normal" | "Warning", reason: string, message: string): void;
};

export const USER = "system:serviceaccount:npu-dispatch:dispatcher";

export function createClusterState(): ClusterState {
  const objects = createObjects();
  return {
    objects,
    rules: {
      denied: new Set(),
      roleBindings: undefined,
      rolesNotReadYet: false,
      webhook: undefined,
      webhookWithoutDryRun: false,
      kueue: false,
      kueueSays:
        "couldn't assign flavors to pod set main: insufficient unused quota for huawei.com/ascend-1980 in flavor default, 1 more needed",
      volcano: undefined,
      spread: false,
      serviceAccountsLate: false,
      tokens: new Set(),
    },
    images: new Map(),
    emit: (about, type, reason, message) => emit(objects, about, type, reason, message),
  };
}

/** Repeated events are counted, as the event recorder does. */
function emit(
  objects: Objects,
  about: KubeObject,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
): void {
  const { namespace = "default", name, uid } = about.metadata;
  const same = objects
    .list("Event", namespace)
    .find(
      (event) =>
        event["involvedObject"].uid === uid && event["reason"] === reason && event["message"] === message,
    );
  if (same !== undefined) {
    same["count"] += 1;
    same["lastTimestamp"] = timestamp();
    objects.touch(same);
    return;
  }
  objects.create(
    "Event",
    {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${name}.` },
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: timestamp(),
      lastTimestamp: timestamp(),
    },
    namespace,
  );
}
