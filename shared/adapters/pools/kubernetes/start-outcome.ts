// What a fault of the API server means for a start: capacity, which is waited for, or a setting, which a person must
// change.
import type { StartOutcome } from "../../../ports/pool-driver.ts";
import type { ApiFault } from "./api-fault.ts";

type Unavailable = Extract<StartOutcome, { type: "unavailable" }>;
export type StartFailure = Extract<StartOutcome, { type: "refused" }> | Unavailable;

/** A job that ends frees a quota at any moment; one of our own is heard of at once, one of somebody else is not. */
const QUOTA_RETRY_MS = 15_000;
/**
 * A new namespace gets its service account within a second or two, and so does a quota the room of a pod that has just
 * gone.
 */
const SOON_MS = 2_000;
/** Expired credentials do not heal by themselves within seconds. */
const CREDENTIALS_RETRY_MS = 60_000;
/** A namespace goes only when all that is in it is gone. */
const TERMINATING_RETRY_MS = 60_000;
/** An API server that has just started knows no role for a moment; a person who gives one sees it at work soon after. */
const RIGHTS_RETRY_MS = 5_000;
const RIGHTS_RETRY_MAX_MS = 30_000;

const WAITS_OF_NAMESPACE: readonly { readonly words: RegExp; readonly ms: number }[] = [
  { words: /being terminated/, ms: TERMINATING_RETRY_MS },
  // A namespace is there a moment before its own service account.
  { words: /error looking up service account \S+\/default:/, ms: SOON_MS },
];

export type StartMoment = {
  /** The pool's template. One per tenant or repository has a quota and an end of its own. */
  readonly template: string;
  /** Of the worker. */
  readonly namespace: string;
  /** One of this pool's own workers has gone there a moment ago: what its quota says may be old. */
  readonly hasJustFreed: boolean;
  /** For so long the rights there have been missing, ms. */
  readonly rightlessMs: number;
};

export function startOutcome(fault: ApiFault, moment: StartMoment): StartFailure {
  if (isWebhookDenial(fault)) return refused(fault, "An admission webhook of the cluster decides this.");
  switch (fault.status) {
    case 401:
      return unavailable(
        fault,
        CREDENTIALS_RETRY_MS,
        "The pool's credentials are wrong or have expired; renew them (cluster in dispatch.yaml).",
      );
    case 403:
      return forbidden(fault, moment);
    case 400:
      return refused(fault, "The pool's settings or the cluster's version do not allow it.");
    case 404:
      return notFound(fault, moment);
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

/** Whose jobs wait when a namespace takes none: those of its tenant or repository, or all. */
function concerns(template: string): Pick<Unavailable, "of"> {
  if (template.includes("{repository}")) return { of: "job" };
  return template.includes("{") ? { of: "tenant" } : {};
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

function forbidden(fault: ApiFault, moment: StartMoment): StartFailure {
  const words = said(fault.body);
  const of = concerns(moment.template);
  if (isFull(fault)) {
    return { ...unavailable(fault, moment.hasJustFreed ? SOON_MS : QUOTA_RETRY_MS), full: true, ...of };
  }
  const waitMs = WAITS_OF_NAMESPACE.find((wait) => wait.words.test(words))?.ms;
  if (waitMs !== undefined) return { ...unavailable(fault, waitMs), ...of };
  if (isRbacDenial(fault))
    return { ...unavailable(fault, rightsRetryMs(moment), rightsAdvice(words, moment)), ...of };
  return refused(fault, adviceOn(words));
}

/** A quota is used up. */
export function isFull({ status, body }: ApiFault): boolean {
  return status === 403 && /exceeded quota:/.test(said(body));
}

function rightsRetryMs({ rightlessMs }: StartMoment): number {
  return Math.min(RIGHTS_RETRY_MAX_MS, Math.max(RIGHTS_RETRY_MS, rightlessMs / 2));
}

/**
 * Where each namespace has a role binding of its own, a namespace that is not there is forbidden too, and never missing.
 */
function rightsAdvice(words: string, { namespace }: StartMoment): string {
  const [, verb = "", resource = "", group] = RBAC.exec(words) ?? [];
  const what = group ? `${resource}.${group}` : resource;
  if (!/ in the namespace "/.test(words)) {
    return `Its role lacks the verb ${verb} on ${what}: apply deploy/kubernetes/base, or deploy/kubernetes/created-namespaces where the dispatcher makes namespaces.`;
  }
  return `Either there is no namespace ${namespace}, or it has no RoleBinding that gives the verb ${verb} on ${what}: apply deploy/kubernetes/tenant with "namespace: ${namespace}".`;
}

/** What a pod names and the cluster does not have, in the words of its admission plugins. */
const MISSING: readonly { readonly words: RegExp; readonly kind: string; readonly setting: string }[] = [
  {
    words: /no PriorityClass with name (\S+) was found/,
    kind: "PriorityClass",
    setting: "priorityClass",
  },
  { words: /RuntimeClass "([^"]+)" not found/i, kind: "RuntimeClass", setting: "runtimeClass" },
  {
    words: /error looking up service account (\S+\/\S+):/,
    kind: "ServiceAccount",
    setting: "serviceAccount",
  },
];

function adviceOn(words: string): string {
  if (/must specify/.test(words)) {
    return "Set these under perWorker or perCard of the pool, or give the namespace a LimitRange with defaults.";
  }
  if (/violates PodSecurity/.test(words)) {
    if (/runAsNonRoot/.test(words)) {
      return "Set security.runAsNonRoot: true and security.capabilities: [] for the pool, with an image whose user is not root; or loosen the namespace's pod-security.kubernetes.io/enforce label (baseline is usual).";
    }
    return "Loosen the namespace's pod-security.kubernetes.io/enforce label (baseline is usual), or tighten the pool's security.";
  }
  if (/(maximum|minimum) .* usage per|max limit to request ratio/.test(words)) {
    return "The namespace's LimitRange forbids it: change it, or perWorker and perCard of the pool.";
  }
  const missing = MISSING.find(({ words: shape }) => shape.test(words));
  if (missing !== undefined) {
    const [, name = ""] = missing.words.exec(words) ?? [];
    return `Create the ${missing.kind} ${name}, or change ${missing.setting} of the pool.`;
  }
  return "The cluster's policy forbids it.";
}

function notFound(fault: ApiFault, moment: StartMoment): StartFailure {
  if (!isMissingNamespace(fault)) return refused(fault, "Is this address a Kubernetes API server?");
  const { namespace, template } = moment;
  const advice = `Create the namespace ${namespace} (deploy/kubernetes/tenant), or set namespace.create to true for the pool.`;
  return { ...unavailable(fault, rightsRetryMs(moment), advice), ...concerns(template) };
}

function fieldsOf({ body }: ApiFault): string {
  const fields = (body.details?.causes ?? []).flatMap(({ field }) => field ?? []);
  return fields.length === 0
    ? "A setting of the pool makes an invalid pod."
    : `Of the pool's settings, those behind ${[...new Set(fields)].join(", ")} are wrong.`;
}

function refused(fault: ApiFault, advice: string): StartFailure {
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
