// A CloudFormation template against AWS's own resource schemas: what AWS would refuse, found before it is deployed.
import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import { checkReferences } from "./check-references.ts";
import type { Template } from "./template.ts";

type Database = ReturnType<typeof loadAwsServiceSpecSync>;
type Spec = NonNullable<ReturnType<typeof specOf>>;
type Properties = Spec["properties"];
type PropertyType = Properties[string]["type"];

/** One sentence per fault: unknown type or property, missing required one, wrong type, reference to nothing. */
export function checkTemplate(template: Template): string[] {
  const db = loadAwsServiceSpecSync();
  const faults = Object.entries(template.Resources).flatMap(([id, { Type, Properties = {} }]) => {
    const spec = specOf(db, Type);
    if (spec === undefined) return [`${id}: AWS has no resource type ${Type}`];
    return checkObject(db, Properties, spec.properties, `${id} (${Type})`);
  });
  const attributesOf = (id: string): readonly string[] | undefined => {
    const resource = template.Resources[id];
    return resource && Object.keys(specOf(db, resource.Type)?.attributes ?? {});
  };
  return [...faults, ...checkReferences(template, attributesOf)];
}

function specOf(db: Database, type: string) {
  const [spec] = db.lookup("resource", "cloudFormationType", "equals", type);
  return spec;
}

function checkObject(db: Database, value: unknown, properties: Properties, path: string): string[] {
  if (isIntrinsic(value)) return [];
  if (!isObject(value)) return [`${path} is not an object`];
  const missing = Object.entries(properties)
    .filter(([name, { required }]) => required === true && value[name] === undefined)
    .map(([name]) => `${path} lacks ${name}`);
  const wrong = Object.entries(value).flatMap(([name, item]) => {
    const property = properties[name];
    if (property === undefined) return [`${path} has no property ${name}`];
    return checkValue(db, item, property.type, `${path}.${name}`);
  });
  return [...missing, ...wrong];
}

function checkValue(db: Database, value: unknown, type: PropertyType, path: string): string[] {
  if (isIntrinsic(value)) return [];
  switch (type.type) {
    case "ref":
      return checkObject(db, value, db.get("typeDefinition", type.reference.$ref).properties, path);
    case "array":
      if (!Array.isArray(value)) return [`${path} is not a list`];
      return value.flatMap((item, at) => checkValue(db, item, type.element, `${path}[${at}]`));
    case "map":
      if (!isObject(value)) return [`${path} is not a map`];
      return Object.entries(value).flatMap(([key, item]) =>
        checkValue(db, item, type.element, `${path}.${key}`),
      );
    case "union":
      return checkUnion(db, value, type.types, path);
    default:
      return fitsPrimitive(value, type.type) ? [] : [`${path} is not of type ${type.type}`];
  }
}

/** The faults of the alternative that fits best, so that the message names the property. */
function checkUnion(db: Database, value: unknown, types: readonly PropertyType[], path: string): string[] {
  const faults = types.map((type) => checkValue(db, value, type, path));
  return faults.sort((a, b) => a.length - b.length)[0] ?? [];
}

/** CloudFormation takes numbers and booleans for texts, as osls writes them, and texts that read as one. */
function fitsPrimitive(value: unknown, type: string): boolean {
  switch (type) {
    case "string":
    case "date-time":
      return ["string", "number", "boolean"].includes(typeof value);
    case "integer":
      return Number.isInteger(Number(value)) && typeof value !== "boolean";
    case "number":
      return Number.isFinite(Number(value)) && typeof value !== "boolean";
    case "boolean":
      return [true, false, "true", "false"].includes(value as never);
    case "json":
      return isObject(value) || typeof value === "string" || Array.isArray(value);
    case "tag":
      return isObject(value) && "Key" in value && "Value" in value;
    default:
      return false;
  }
}

/** A single key `Ref` or `Fn::…`: its value is known to AWS only. */
function isIntrinsic(value: unknown): boolean {
  if (!isObject(value)) return false;
  const [key = "", ...more] = Object.keys(value);
  return more.length === 0 && (key === "Ref" || key.startsWith("Fn::"));
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
