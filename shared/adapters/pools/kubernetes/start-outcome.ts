// What a fault of the API server means for a start: capacity, which is waited for, or a setting, which a person must change.
import type { StartOutcome } from "../../../ports/pool-driver.ts";
import type { ApiFault } from "./api-fault.ts";

type Unavailable = Extract<StartOutcome, { type: "unavailable" }>;
type Failure = Extract<StartOutcome, { type: "refused" }> | Unavailable;

/** Kubernetes says nothing about when a quota is free again; a job that ends frees it at any moment. */
const QUOTA_RETRY_MS = 15_000;
/** A new namespace gets its service account within a second or two. */
const SOON_MS = 2_000;
/** Expired credentials do not heal by themselves within seconds. */
const CREDENTIALS_RETRY_MS = 60_000;
/** A namespace goes only when all that is in it is gone. */
const TERMINATING_RETRY_MS = 60_000;

const WAITS_OF_NAMESPACE: readonly { readonly words: RegExp; readonly ms: number }[] = [
  { words: /exceeded quota:/, ms: QUOTA_RETRY_MS },
  { words: /being terminated/, ms: TERMINATING_RETRY_MS },
  // A namespace is there a moment before its own service account.
  { words: /error looking up service account \S+\/default:/, ms: SOON_MS },
];

/** `namespace`: the pool's template. One per tenant or repository has a quota and an end of its own. */
export function startOutcome(fault: ApiFault, namespace: string): Failure {
  if (isWebhookDenial(fault)) return refused(fault, "An admission webhook of the cluster decides this.");
  switch (fault.status) {
    case 401:
      return unavailable(
        fault,
        CREDENTIALS_RETRY_MS,
        "The pool's credentials are wrong or have expired; renew them (cluster in dispatch.yaml).",
      );
    case 403:
      return forbidden(fault, /\{(owner|repository)\}/.test(namespace) ? "job" : undefined);
    case 400:
      return refused(fault, "The pool's settings or the cluster's version do not allow it.");
    case 404:
      return notFound(fault);
    case 405:
    case 413:
    case 415:
      return refused(fault, "Is this address a Kubernetes API server, of version 1.29 or later?");
    case 409:
      return unavailable(fault, SOON_MS);
    case 422:
      return refused(fault, fieldsOf(fault));
    default:
      return unavailable(fault, fault.retryAfterMs);
  }
}

/** The namespace that the call named does not exist. */
export function isMissingNamespace({ status, body }: ApiFault): boolean {
  return (
    status === 404 && (body.details?.kind === "namespaces" || /namespaces "[^"]*" not found/.test(said(body)))
  );
}

/** The caller may not do this at all: no RBAC rule allows it. */
export function isRbacDenial({ status, body }: ApiFault): boolean {
  return status === 403 && RBAC.test(said(body));
}

const RBAC = /is forbidden: User "[^"]*" cannot (\S+) resource "([^"]*)"(?: in API group "([^"]*)")?/;

function isWebhookDenial({ body }: ApiFault): boolean {
  return /admission webhook "[^"]*" denied the request|ValidatingAdmissionPolicy '[^']*'.* denied request/.test(
    said(body),
  );
}

function forbidden(fault: ApiFault, of: Unavailable["of"]): Failure {
  const words = said(fault.body);
  const waitMs = WAITS_OF_NAMESPACE.find((wait) => wait.words.test(words))?.ms;
  if (waitMs !== undefined) return { ...unavailable(fault, waitMs), ...(of && { of }) };
  const [, verb, resource, group] = RBAC.exec(words) ?? [];
  if (verb !== undefined) {
    const of = group ? `${resource}.${group}` : resource;
    return refused(
      fault,
      `Its role lacks the verb ${verb} on ${of}; see deploy/kubernetes/cluster/role.yaml.`,
    );
  }
  return refused(fault, adviceOn(words));
}

function adviceOn(words: string): string {
  if (/must specify/.test(words)) {
    return "Set these under perWorker or perCard of the pool, or give the namespace a LimitRange with defaults.";
  }
  if (/violates PodSecurity/.test(words)) {
    return "Loosen the namespace's pod-security.kubernetes.io/enforce label (baseline is usual), or tighten the pool's security.";
  }
  if (/(maximum|minimum) .* usage per|max limit to request ratio/.test(words)) {
    return "The namespace's LimitRange forbids it: change it, or perWorker and perCard of the pool.";
  }
  return "The cluster's policy forbids it.";
}

function notFound(fault: ApiFault): Failure {
  if (isMissingNamespace(fault)) {
    return refused(fault, "Create it, or set namespace.create to true for the pool.");
  }
  return refused(fault, "Is this address a Kubernetes API server?");
}

function fieldsOf({ body }: ApiFault): string {
  const fields = (body.details?.causes ?? []).flatMap(({ field }) => field ?? []);
  return fields.length === 0
    ? "A setting of the pool makes an invalid pod."
    : `Of the pool's settings, those behind ${[...new Set(fields)].join(", ")} are wrong.`;
}

function refused(fault: ApiFault, advice: string): Failure {
  return { type: "refused", message: sentences(fault.message, advice) };
}

function unavailable(fault: ApiFault, retryAfterMs: number | undefined, advice = ""): Unavailable {
  return {
    type: "unavailable",
    message: sentences(fault.message, advice),
    retryAfterMs: fault.retryAfterMs ?? retryAfterMs,
  };
}

function sentences(first: string, second: string): string {
  const ended = /[.!?]$/.test(first) ? first : `${first}.`;
  return second === "" ? ended : `${ended} ${second}`;
}

function said(body: ApiFault["body"]): string {
  return body.message ?? "";
}
