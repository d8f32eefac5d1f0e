// labelSelector and fieldSelector, as far as equality goes, and pages with continue tokens that expire.
import type { Json, KubeObject } from "../objects.ts";
import { badRequest, expired } from "./status.ts";

type Term = { readonly key: string; readonly value: string; readonly equal: boolean };

export function matches(object: KubeObject, query: URLSearchParams): boolean {
  const labels = termsOf(query.get("labelSelector"));
  const fields = termsOf(query.get("fieldSelector"));
  return (
    labels.every(({ key, value, equal }) => (object.metadata.labels?.[key] === value) === equal) &&
    fields.every(({ key, value, equal }) => ((fieldOf(object, key) ?? "") === value) === equal)
  );
}

function termsOf(text: string | null): Term[] {
  if (text === null || text === "") return [];
  return text.split(",").map((term) => {
    const [, key = "", operator, value = ""] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
    if (operator === undefined) throw badRequest(`unable to parse requirement: ${term}`);
    return { key, value, equal: operator !== "!=" };
  });
}

function fieldOf(object: KubeObject, path: string): Json {
  return path.split(".").reduce<Json>((value, name) => value?.[name], object);
}

export type Page = { readonly items: KubeObject[]; readonly next: string | undefined };

/** `oldest`: tokens of an earlier version have expired. */
export function pageOf(
  items: readonly KubeObject[],
  query: URLSearchParams,
  version: number,
  oldest: number,
): Page {
  const limit = Number(query.get("limit") ?? 0);
  const token = query.get("continue");
  const from = token === null ? { version, start: "" } : parseToken(token);
  if (from.version < oldest) throw expired();
  const rest = items.filter((item) => keyOf(item) > from.start);
  if (limit === 0 || rest.length <= limit) return { items: rest, next: undefined };
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const next = { version: from.version, start: last === undefined ? "" : keyOf(last) };
  return { items: page, next: Buffer.from(JSON.stringify(next)).toString("base64url") };
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function parseToken(token: string): { readonly version: number; readonly start: string } {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    throw badRequest("continue key is not valid");
  }
}
