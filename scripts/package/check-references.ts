// References within a CloudFormation template: each must point at a resource, and at an attribute that it has.
import type { Template } from "./template.ts";

/** Attributes of a resource by its logical id; undefined: there is no such resource. */
type AttributesOf = (id: string) => readonly string[] | undefined;

export function checkReferences(template: Template, attributesOf: AttributesOf): string[] {
  const dependencies = Object.entries(template.Resources).flatMap(([id, { DependsOn = [] }]) =>
    [DependsOn].flat().flatMap((target) => checkRef(target, `${id}.DependsOn`, attributesOf)),
  );
  const resources = Object.entries(template.Resources).flatMap(([id, { Properties }]) =>
    walk(Properties, id, attributesOf),
  );
  return [...dependencies, ...resources, ...walk(template.Outputs, "Outputs", attributesOf)];
}

function walk(value: unknown, path: string, attributesOf: AttributesOf): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const here = `${path}.${key}`;
    if (key === "Ref") return checkRef(String(item), here, attributesOf);
    if (key === "Fn::GetAtt") return checkGetAtt([item].flat().join("."), here, attributesOf);
    if (key === "Fn::Sub") return checkSub(item, here, attributesOf);
    return walk(item, here, attributesOf);
  });
}

function checkRef(id: string, path: string, attributesOf: AttributesOf): string[] {
  if (id.startsWith("AWS::") || attributesOf(id) !== undefined) return [];
  return [`${path} refers to ${id}, which the template does not have`];
}

function checkGetAtt(text: string, path: string, attributesOf: AttributesOf): string[] {
  const [id = "", ...rest] = text.split(".");
  const attributes = attributesOf(id);
  if (attributes === undefined) return checkRef(id, path, attributesOf);
  const attribute = rest.join(".");
  return attributes.includes(attribute)
    ? []
    : [`${path} asks ${id} for ${attribute}, which it does not have`];
}

/** `Fn::Sub: text` or `[text, {variables}]`; `${!…}` is text. */
function checkSub(item: unknown, path: string, attributesOf: AttributesOf): string[] {
  const [text, variables = {}] = Array.isArray(item) ? item : [item];
  const names = [...String(text).matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = ""]) => name);
  const outside = names.filter((name) => !(name in variables));
  const faults = outside.flatMap((name) =>
    name.includes(".") ? checkGetAtt(name, path, attributesOf) : checkRef(name, path, attributesOf),
  );
  return [...faults, ...walk(variables, path, attributesOf)];
}
