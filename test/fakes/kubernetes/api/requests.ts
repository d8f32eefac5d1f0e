// The API server's verbs on its objects: what a request reads or changes, or the StatusError that it is refused with.

import type { ClusterState } from "../cluster-state.ts";
import { USER } from "../cluster-state.ts";
import { release } from "../job-controller.ts";
import { type Kubelet, nodeIsUp } from "../kubelet.ts";
import type { Json, KubeObject } from "../objects.ts";
import { deletePod, evictPod } from "../pod-deletion.ts";
import { admit } from "./admission.ts";
import { type Target, versionOf } from "./resources.ts";
import { checkSelectors, matches, pageOf } from "./selectors.ts";
import { alreadyExists, badRequest, notFound, rbacDenied, StatusError, withoutRoles } from "./status.ts";
import { validateObject } from "./validate.ts";

export type ApiRequest = {
  readonly method: string;
  readonly target: Target;
  readonly query: URLSearchParams;
  readonly body: Json;
};

export type Answer = { readonly code: number; readonly body: Json };

export type RequestDeps = {
  readonly state: ClusterState;
  readonly kubelet: Kubelet;
  /** Continue tokens of an earlier version have expired. */
  readonly oldestToken: () => number;
};

export function answerRequest(request: ApiRequest, deps: RequestDeps): Answer {
  authorize(request, deps.state);
  const { method, target } = request;
  if (method === "POST") return target.sub === "eviction" ? evict(request, deps) : create(request, deps);
  if (method === "DELETE") return remove(request, deps);
  if (method !== "GET")
    throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method");
  if (target.name === undefined) return list(request, deps);
  const object = find(target, deps.state);
  return target.sub === "log" ? log(object, request, deps) : { code: 200, body: object };
}

const VERBS: { readonly [method: string]: string } = { POST: "create", DELETE: "delete", GET: "get" };

function authorize({ method, target }: ApiRequest, { rules }: ClusterState): void {
  const { resource, name, sub, namespace } = target;
  const verb = method === "GET" && name === undefined ? "list" : (VERBS[method] ?? "update");
  const what = sub === undefined ? resource.plural : `${resource.plural}/${sub}`;
  // kube-apiserver 1.36: rights come before existence, so that a namespace without a binding is forbidden and never
  // missing.
  const isBound = namespace === undefined || (rules.roleBindings?.has(namespace) ?? true);
  if (isBound && !rules.rolesNotReadYet && !rules.denied.has(`${verb} ${what}`)) return;
  const denial = rbacDenied({ ...resource, ...(sub !== undefined && { sub }) }, verb, namespace, USER, name);
  throw rules.rolesNotReadYet ? withoutRoles(denial) : denial;
}

function create({ target, query, body }: ApiRequest, { state }: RequestDeps): Answer {
  const { resource, namespace } = target;
  if (body === undefined) throw badRequest("the body is no JSON");
  if (namespace !== undefined && state.objects.get("Namespace", undefined, namespace) === undefined) {
    throw notFound({ plural: "namespaces", group: "", kind: "Namespace" }, namespace);
  }
  const named = body.metadata?.namespace;
  if (named !== undefined && named !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  validateObject(resource, body, query.get("fieldValidation") === "Strict");
  const dryRun = query.get("dryRun") === "All";
  const admitted = namespace === undefined ? body : admit(state, resource, namespace, body, dryRun);
  if (dryRun) return { code: 201, body: admitted };
  const object = state.objects.create(resource.kind, admitted, namespace);
  if (object === undefined) throw alreadyExists(resource, body.metadata.name);
  return { code: 201, body: object };
}

function evict({ target }: ApiRequest, { state }: RequestDeps): Answer {
  evictPod(state, find(target, state));
  return { code: 201, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" } };
}

function remove({ target, query, body }: ApiRequest, { state }: RequestDeps): Answer {
  const object = find(target, state);
  const options = { ...Object.fromEntries(query), ...body };
  if (object.kind === "Pod") {
    const grace = options.gracePeriodSeconds;
    deletePod(state, object, grace === undefined ? undefined : Number(grace));
    return { code: 200, body: object };
  }
  // The default for Jobs leaves their pods.
  if (object.kind === "Job" && (options.propagationPolicy ?? "Orphan") === "Orphan") orphan(object, state);
  state.objects.remove(object);
  const details = { name: object.metadata.name, kind: target.resource.plural, uid: object.metadata.uid };
  return { code: 200, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details } };
}

function orphan(job: KubeObject, state: ClusterState): void {
  const { namespace } = job.metadata;
  // kube-apiserver 1.36: all that it owned stays, its Secret too.
  for (const object of [
    ...state.objects.list("Pod", namespace),
    ...state.objects.list("Secret", namespace),
  ]) {
    const { metadata } = object;
    const others = (metadata.ownerReferences ?? []).filter(({ uid }) => uid !== job.metadata.uid);
    if (others.length === metadata.ownerReferences?.length) continue;
    metadata.ownerReferences = others;
    release(state, object);
  }
}

function list({ target, query }: ApiRequest, { state, oldestToken }: RequestDeps): Answer {
  const { resource, namespace } = target;
  checkSelectors(resource.kind, query);
  const all = state.objects.list(resource.kind, namespace).filter((object) => matches(object, query));
  const { items, next } = pageOf(all, query, state.objects.version(), oldestToken());
  const metadata = {
    resourceVersion: String(state.objects.version()),
    ...(next !== undefined && { continue: next }),
  };
  const apiVersion = versionOf(resource);
  return { code: 200, body: { kind: `${resource.kind}List`, apiVersion, metadata, items } };
}

/**
 * kube-apiserver 1.36: 204 without a Content-Type for a pod that has no node yet, 500 where the kubelet does not answer,
 * 400 while the container waits to start.
 */
function log(pod: KubeObject, { query }: ApiRequest, { kubelet, state }: RequestDeps): Answer {
  if (pod.spec.nodeName === undefined) return { code: 204, body: undefined };
  if (!nodeIsUp(state, pod)) {
    const { namespace, name } = pod.metadata;
    const message = `Get "https://${pod.spec.nodeName}:10250/containerLogs/${namespace}/${name}/worker": EOF`;
    throw new StatusError(500, "InternalError", message);
  }
  const container = kubelet.container(pod.metadata.uid);
  if (container === undefined) {
    const name = pod.spec.containers[0].name;
    throw badRequest(
      `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ContainerCreating`,
    );
  }
  const lines = container.log().replace(/\n$/, "").split("\n");
  const tail = query.get("tailLines");
  const text = (tail === null ? lines : lines.slice(-Number(tail))).join("\n");
  return { code: 200, body: text === "" ? "" : `${text}\n` };
}

function find({ resource, namespace, name = "" }: Target, { objects }: ClusterState): KubeObject {
  const object = objects.get(resource.kind, namespace, name);
  if (object === undefined) throw notFound(resource, name);
  return object;
}
