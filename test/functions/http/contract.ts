// Is an answer one that /openapi.json promises? For every response that a test sees.
import Ajv2020 from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { openapiDocument } from "../../../functions/http/reference/openapi.ts";

const document = openapiDocument();
const ajv = new Ajv2020.default({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(document, "api");

/** Throws when the route, the status or the body is not in the document; what is not in it must be a 404. */
export function expectPromised(method: string, path: string, status: number, text: string): void {
  // The answer to a GET, without its body.
  if (method === "HEAD") return;
  const template = templateOf(path);
  if (template === undefined && status === 404) return;
  if (template === undefined) throw new Error(`${path} is not in /openapi.json`);
  const responses = document.paths[template]?.[method.toLowerCase()]?.responses;
  if (responses === undefined) {
    // The operator plane tells nothing about itself to who has no key.
    const other = path.startsWith("/admin/") && status === 401 ? "401" : "405";
    expectBody(`/components/responses/${other}`, status, text, other);
    return;
  }
  if (!(status in responses)) throw new Error(`${method} ${template} never promised ${status}: ${text}`);
  const pointer = `/paths/${escapePointer(template)}/${method.toLowerCase()}/responses/${status}`;
  expectBody(status >= 400 ? `/components/responses/${status}` : pointer, status, text, String(status));
}

function expectBody(pointer: string, status: number, text: string, promised: string): void {
  if (String(status) !== promised)
    throw new Error(`answered ${status} where ${promised} is promised: ${text}`);
  if (status === 204) return;
  const validate = ajv.getSchema(`api#${pointer}/content/application~1json/schema`);
  if (validate === undefined) {
    // A page is for people and has none.
    if (/^\s*[{[]/.test(text)) throw new Error(`no schema at ${pointer}`);
    return;
  }
  if (!validate(JSON.parse(text))) {
    throw new Error(`${pointer}: ${ajv.errorsText(validate.errors)}\n${text}`);
  }
}

/** The document's path that a request's path is one of. */
function templateOf(path: string): string | undefined {
  const [plain = ""] = path.split("?");
  return Object.keys(document.paths).find((template) =>
    new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(plain),
  );
}

function escapePointer(text: string): string {
  return encodeURIComponent(text.replaceAll("~", "~0").replaceAll("/", "~1"));
}
