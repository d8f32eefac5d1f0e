// Refusals in the words of the real API server: metav1.Status bodies, by which clients tell faults apart.

export type Cause = { readonly reason: string; readonly message: string; readonly field: string };

/** k8s.io/apimachinery, pkg/util/validation/field, Required. */
export function required(field: string, detail = ""): Cause {
  const message = detail === "" ? "Required value" : `Required value: ${detail}`;
  return { reason: "FieldValueRequired", field, message };
}

export class StatusError extends Error {
  readonly code: number;
  readonly body: object | string;
  readonly headers: { readonly [name: string]: string };

  constructor(
    code: number,
    reason: string,
    message: string,
    details: object = {},
    headers: { readonly [name: string]: string } = {},
    text?: string,
  ) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.body = text ?? {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason,
      // kube-apiserver 1.36: a 400 has none at all.
      ...(Object.keys(details).length > 0 && { details }),
      code,
    };
  }
}

/** `jobs.batch`, `pods` */
export type Resource = { readonly plural: string; readonly group: string; readonly kind: string };

function nameOfResource({ plural, group }: Pick<Resource, "plural" | "group">): string {
  return group === "" ? plural : `${plural}.${group}`;
}

export function notFound(resource: Resource, name: string): StatusError {
  const message = `${nameOfResource(resource)} "${name}" not found`;
  return new StatusError(404, "NotFound", message, {
    name,
    ...groupOf(resource),
    kind: resource.plural,
  });
}

export function alreadyExists(resource: Resource, name: string): StatusError {
  const message = `${nameOfResource(resource)} "${name}" already exists`;
  return new StatusError(409, "AlreadyExists", message, {
    name,
    ...groupOf(resource),
    kind: resource.plural,
  });
}

export function invalid(resource: Resource, name: string, causes: readonly Cause[]): StatusError {
  const kind = resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
  const said = causes.map(({ field, message }) => `${field}: ${message}`);
  const text = said.length === 1 ? said[0] : `[${said.join(", ")}]`;
  return new StatusError(422, "Invalid", `${kind} "${name}" is invalid: ${text}`, {
    name,
    ...groupOf(resource),
    kind: resource.kind,
    causes,
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

export function rbacDenied(
  resource: Resource & { readonly sub?: string },
  verb: string,
  namespace: string | undefined,
  user: string,
  name = "",
): StatusError {
  const what = resource.sub === undefined ? resource.plural : `${resource.plural}/${resource.sub}`;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const of = nameOfResource(resource);
  const named = name === "" ? of : `${of} "${name}"`;
  const message = `${named} is forbidden: User "${user}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${where}`;
  return new StatusError(403, "Forbidden", message, {
    ...(name !== "" && { name }),
    ...groupOf(resource),
    kind: resource.plural,
  });
}

/** kube-apiserver 1.36: for a moment after its start the authorizer knows no role, and says so behind its refusal. */
export function withoutRoles({ message }: StatusError): StatusError {
  const why = `${message}: RBAC: [clusterrole.rbac.authorization.k8s.io "npu-dispatch-read" not found, clusterrole.rbac.authorization.k8s.io "npu-dispatch-workers" not found]`;
  return new StatusError(403, "Forbidden", why, {});
}

/** What an admission plugin objects to. */
export function forbidden(resource: Resource, name: string, why: string): StatusError {
  const message = `${nameOfResource(resource)} "${name}" is forbidden: ${why}`;
  return new StatusError(403, "Forbidden", message, {
    name,
    ...groupOf(resource),
    kind: resource.plural,
  });
}

export function webhookDenied(webhook: string, why: string): StatusError {
  return new StatusError(403, "Forbidden", `admission webhook "${webhook}" denied the request: ${why}`);
}

export function unauthorized(): StatusError {
  return new StatusError(401, "Unauthorized", "Unauthorized");
}

/** k8s.io/apiserver, pkg/storage/etcd3/errors.go: `next` goes on with what there is now. */
export function expired(next: string): StatusError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  const error = new StatusError(410, "Expired", message);
  Object.assign(error.body, { metadata: { continue: next } });
  return error;
}

/** kube-apiserver 1.36: its filter of requests under way writes text, and 1 as Retry-After. */
export function tooManyRequests(retryAfterSeconds: number): StatusError {
  const message = "Too many requests, please try again later.";
  const headers = { "Retry-After": String(retryAfterSeconds) };
  return new StatusError(429, "TooManyRequests", message, {}, headers, `${message}\n`);
}

function groupOf({ group }: Pick<Resource, "group">): { readonly group?: string } {
  return group === "" ? {} : { group };
}
