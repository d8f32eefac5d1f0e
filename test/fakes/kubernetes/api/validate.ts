// What the API server checks of a posted object: unknown fields, the schema, and rules that no schema holds.
import * as models from "@kubernetes/client-node";
import { Job } from "kubernetes-models/batch/v1";
import { Namespace, Pod, Secret } from "kubernetes-models/v1";
import type { Json } from "../objects.ts";
import { jobCauses, metadataCauses, podCauses, secretCauses } from "./semantic.ts";
import { badRequest, type Cause, invalid, type Resource } from "./status.ts";

type Validator = new (data: Json) => { validate(): void };

const SCHEMAS: { readonly [kind: string]: Validator } = {
  Job: Job as Validator,
  Namespace: Namespace as Validator,
  Pod: Pod as Validator,
  Secret: Secret as Validator,
};

/** Throws a StatusError: 400 for what cannot be decoded, 422 for what is invalid. */
export function validateObject(resource: Resource, body: Json, strict: boolean): void {
  if (strict) checkUnknown(resource, body);
  checkSchema(resource, body);
  const name = body.metadata?.name ?? body.metadata?.generateName ?? "";
  const causes: Cause[] = metadataCauses(body.metadata);
  if (resource.kind === "Job") causes.push(...jobCauses(body));
  if (resource.kind === "Secret") causes.push(...secretCauses(body));
  if (resource.kind === "Pod") causes.push(...podCauses(body.spec, "spec"));
  if (causes.length > 0) throw invalid(resource, name, causes);
}

type SchemaError = { readonly instancePath: string; readonly message?: string };

function checkSchema(resource: Resource, body: Json): void {
  const Schema = SCHEMAS[resource.kind];
  if (Schema === undefined) throw new TypeError(`the stand-in has no schema of ${resource.kind}`);
  try {
    new Schema(body).validate();
  } catch (error) {
    const { errors = [] } = error as { errors?: SchemaError[] };
    const [first] = errors;
    const version = resource.group === "" ? "v1" : `${resource.group}/v1`;
    throw badRequest(
      `${resource.kind} in version "${version}" cannot be handled as a ${resource.kind}: ${first?.instancePath}: ${first?.message}`,
    );
  }
}

type Attribute = { readonly baseName: string; readonly type: string };
type Model = { getAttributeTypeMap(): readonly Attribute[] };

/** The official client's model classes know every field there is. */
function checkUnknown(resource: Resource, body: Json): void {
  const unknown = unknownFields(`V1${resource.kind}`, body, "");
  if (unknown.length > 0) {
    throw badRequest(`strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(", ")}`);
  }
}

function unknownFields(type: string, value: Json, path: string): string[] {
  const item = /^Array<(.+)>$/.exec(type)?.[1];
  if (item !== undefined && Array.isArray(value)) {
    return value.flatMap((entry, index) => unknownFields(item, entry, `${path}[${index}]`));
  }
  const model = (models as unknown as { readonly [name: string]: Model | undefined })[type];
  if (model === undefined || typeof value !== "object" || value === null) return [];
  const known = new Map(model.getAttributeTypeMap().map((attribute) => [attribute.baseName, attribute.type]));
  return Object.entries(value).flatMap(([name, field]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const fieldType = known.get(name);
    return fieldType === undefined ? [at] : unknownFields(fieldType, field, at);
  });
}
