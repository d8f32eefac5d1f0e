// GitHub's OpenAPI description: checks every answer of the stand-in against it, and lends its examples.
import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";

type Json = Record<string, unknown>;
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { responses: Record<string, Json> }>>>>;
  readonly components: { readonly examples: Record<string, { value: Json }> };
};

const document = readDocument();
const ajv = createAjv();
const validators = new Map<string, ValidateFunction>();

/** @returns what is wrong with the body as an answer to this operation, or undefined. */
export function answerFault(
  operation: { readonly method: string; readonly path: string },
  status: number,
  body: unknown,
): string | undefined {
  const pointer = schemaPointer(operation, status);
  if (pointer === undefined) return undefined;
  const validate = validators.get(pointer) ?? compile(pointer);
  if (validate(body)) return undefined;
  return `${operation.method} ${operation.path} ${status}: ${ajv.errorsText(validate.errors)}`;
}

export function example(name: string): Json {
  const found = document.components.examples[name];
  if (found === undefined) throw new Error(`The OpenAPI cut has no example "${name}".`);
  return structuredClone(found.value);
}

/** A status that the operation does not list must still be GitHub's basic error. */
function schemaPointer(
  { method, path }: { method: string; path: string },
  status: number,
): string | undefined {
  const responses = document.paths[path]?.[method.toLowerCase()]?.responses;
  if (responses === undefined) throw new Error(`The OpenAPI cut has no ${method} ${path}.`);
  const response = responses[String(status)];
  if (response === undefined) {
    if (status < 400) throw new Error(`${method} ${path} never answers ${status}.`);
    return "#/components/schemas/basic-error";
  }
  const reference = response["$ref"] as string | undefined;
  const base = reference ?? `#/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}`;
  const target = reference === undefined ? response : lookUp(reference);
  return target["content"] === undefined ? undefined : `${base}/content/application~1json/schema`;
}

function lookUp(pointer: string): Json {
  return pointer
    .slice(2)
    .split("/")
    .reduce((node: Json, key) => node[key] as Json, document as unknown as Json);
}

function compile(pointer: string): ValidateFunction {
  const validate = ajv.compile({ $ref: `github${encodeURI(pointer)}` });
  validators.set(pointer, validate);
  return validate;
}

function createAjv(): Ajv {
  const created = new Ajv({ strict: false, validateFormats: true });
  addFormats.default(created);
  created.addFormat("timestamp", true);
  created.addSchema(document as unknown as Json, "github");
  return created;
}

function escaped(path: string): string {
  return path.replaceAll("~", "~0").replaceAll("/", "~1");
}

function readDocument(): Document {
  const path = new URL("../../../fixtures/github-openapi.json", import.meta.url);
  return JSON.parse(readFileSync(path, "utf8"), (_key, value) => withNull(value)) as Document;
}

/** OpenAPI 3.0 says `nullable`, JSON Schema a union with null. */
function withNull(node: unknown): unknown {
  if (typeof node !== "object" || node === null || !("nullable" in node)) return node;
  const { nullable, ...schema } = node;
  return nullable === true ? { anyOf: [schema, { type: "null" }] } : schema;
}
