// labelSelector and fieldSelector, and pages with continue tokens that expire.
import type { Json, KubeObject } from "../objects.ts";
import { badRequest, expired } from "./status.ts";

export function matches(object: KubeObject, query: URLSearchParams): boolean {
  const { labels = {} } = object.metadata;
  const fields = fieldTerms(query.get("fieldSelector"), object.kind);
  return (
    labelTerms(query.get("labelSelector")).every((holds) => holds(labels)) &&
    fields.every(({ key, value, equal }) => ((fieldOf(object, key) ?? "") === value) === equal)
  );
}

/** Also where nothing would be listed. */
export function checkSelectors(kind: string, query: URLSearchParams): void {
  labelTerms(query.get("labelSelector"));
  fieldTerms(query.get("fieldSelector"), kind);
}

type Labels = { readonly [key: string]: string };
type LabelTerm = (labels: Labels) => boolean;

/** k8s.io/apimachinery, pkg/labels/selector.go. */
function labelTerms(text: string | null): LabelTerm[] {
  if (text === null || text === "") return [];
  return text.split(/,(?![^(]*\))/).map(labelTerm);
}

const KEY = "[A-Za-z0-9][-A-Za-z0-9_./]*";
const EQUALITY = new RegExp(`^(${KEY}) *(==|=|!=) *([-A-Za-z0-9_.]*)$`);
const SET = new RegExp(`^(${KEY}) +(in|notin) +\\(([-A-Za-z0-9_., ]+)\\)$`);
const PRESENCE = new RegExp(`^(!?) *(${KEY})$`);

function labelTerm(given: string): LabelTerm {
  const term = given.trim();
  const [, key = "", operator, value = ""] = EQUALITY.exec(term) ?? [];
  if (operator !== undefined) return (labels) => (labels[key] === value) === (operator !== "!=");
  const [, of = "", where, list = ""] = SET.exec(term) ?? [];
  const values = list.split(",").map((one) => one.trim());
  if (where !== undefined) return (labels) => values.includes(labels[of] ?? "") === (where === "in");
  const [, not, name = ""] = PRESENCE.exec(term) ?? [];
  if (not !== undefined) return (labels) => (labels[name] !== undefined) === (not === "");
  throw badRequest(
    `unable to parse requirement: found '${term}', expected: !, identifier, or 'end of string'`,
  );
}

/** pkg/apis/core/v1/conversion.go and pkg/apis/batch/v1/conversion.go, AddFieldLabelConversionFunc; names go everywhere. */
const FIELDS: { readonly [kind: string]: readonly string[] } = {
  Pod: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  Node: ["spec.unschedulable"],
  Namespace: ["status.phase"],
  Secret: ["type"],
  Job: ["status.successful"],
  Event: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
};

type FieldTerm = { readonly key: string; readonly value: string; readonly equal: boolean };

function fieldTerms(text: string | null, kind: string): FieldTerm[] {
  if (text === null || text === "") return [];
  return text.split(",").map((term) => {
    const [, key = "", operator, value = ""] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
    if (operator === undefined) {
      throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const isKnown = ["metadata.name", "metadata.namespace", ...(FIELDS[kind] ?? [])].includes(key);
    if (!isKnown) throw badRequest(`field label not supported: ${key}`);
    return { key, value, equal: operator !== "!=" };
  });
}

function fieldOf(object: KubeObject, path: string): Json {
  return path.split(".").reduce<Json>((value, name) => value?.[name], object);
}

export type Page = { readonly items: KubeObject[]; readonly next: string | undefined };

/** A token that goes on with what there is now, whatever has changed since the first page. */
const LATEST = -1;

/** `oldest`: tokens of an earlier version have expired. */
export function pageOf(
  items: readonly KubeObject[],
  query: URLSearchParams,
  version: number,
  oldest: number,
): Page {
  const limit = Number(query.get("limit") ?? 0);
  const token = query.get("continue");
  const given = token === null ? { version, start: "" } : parseToken(token);
  const from = given.version === LATEST ? { ...given, version } : given;
  if (from.version < oldest) throw expired(tokenOf({ version: LATEST, start: from.start }));
  const rest = items.filter((item) => keyOf(item) > from.start);
  if (limit === 0 || rest.length <= limit) return { items: rest, next: undefined };
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const start = last === undefined ? "" : keyOf(last);
  return { items: page, next: tokenOf({ version: from.version, start }) };
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

type Token = { readonly version: number; readonly start: string };

function tokenOf(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function parseToken(token: string): Token {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    throw badRequest("continue key is not valid");
  }
}
