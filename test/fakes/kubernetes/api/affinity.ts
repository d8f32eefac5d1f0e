// Node affinity as the scheduler reads it: what must match, and how much a node is preferred.
import type { Json, KubeObject } from "../objects.ts";

/** `nodeSelectorTerms` are alternatives; the requirements within one must all hold. */
export function isRequired(pod: KubeObject, node: KubeObject): boolean {
  const terms: Json[] | undefined =
    pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matches(term, node));
}

/** Sum of the weights of the preferences that the node meets. */
export function preference(pod: KubeObject, node: KubeObject): number {
  const terms: Json[] =
    pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.reduce((sum, { weight, preference: term }) => sum + (matches(term, node) ? weight : 0), 0);
}

/** A term without requirements matches nothing. */
function matches({ matchExpressions = [], matchFields = [] }: Json, node: KubeObject): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { "metadata.name": node.metadata.name };
  return (
    matchExpressions.every((one: Json) => meets(one, node.metadata.labels ?? {})) &&
    matchFields.every((one: Json) => meets(one, fields))
  );
}

function meets({ key, operator, values = [] }: Json, of: { readonly [key: string]: string }): boolean {
  const value = of[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      throw new Error(`the stand-in's scheduler does not know the operator ${operator}`);
  }
}
