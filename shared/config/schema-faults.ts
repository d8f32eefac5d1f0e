// Turns zod's issues into faults for people: where, what, and what belongs there.
import type * as z from "zod";
import { editDistance } from "../domain/admission/labels.ts";
import type { ConfigFault } from "./config.ts";
import { configJsonSchema } from "./schema.ts";

type Key = PropertyKey;
type Node = {
  readonly description?: string;
  readonly properties?: { readonly [key: string]: Node };
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
};

export function schemaFaults(error: z.ZodError): ConfigFault[] {
  const root = configJsonSchema() as Node;
  return error.issues.flatMap((issue) => faultsOf(issue, root));
}

/** `endpoints[2].npus` */
function pathText(path: readonly Key[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "dispatch.yaml";
}

function faultsOf(issue: z.core.$ZodIssue, root: Node): ConfigFault[] {
  const at = pathText(issue.path);
  const node = nodeAt(root, issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: pathText([...issue.path, key]),
      message: "There is no such setting.",
      fix: fixKey(key, Object.keys(propertiesOf(node))),
    }));
  }
  // A name of someone's own (a pool's) is described where the names are listed.
  const described = issue.code === "invalid_key" ? nodeAt(root, issue.path.slice(0, -1)) : node;
  return [{ path: at, message: messageOf(issue), fix: fixValue(described) }];
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_format") return "The text does not have the right form.";
  if (issue.code === "invalid_key") return "The name does not have the right form.";
  if (issue.code === "invalid_union") return "No such value is allowed here.";
  const text = issue.message.replace("Invalid input: expected", "Expected");
  return text.replace("received undefined", "but it is missing").replace(/\.?$/, ".");
}

function fixValue(node: Node | undefined): string {
  return node?.description ? `What belongs here: ${node.description}.` : "See docs/configuration.md.";
}

function fixKey(key: string, known: readonly string[]): string {
  const edits = Math.min(2, Math.floor(key.length / 2));
  const near = known.find((name) => editDistance(key.toLowerCase(), name.toLowerCase()) <= edits);
  if (near) return `Did you mean ${near}?`;
  return known.length > 0 ? `Remove it; there are ${known.join(", ")}.` : "Remove it.";
}

/** The nearest schema node on the way to `path` that says what belongs there. */
function nodeAt(root: Node, path: readonly Key[]): Node | undefined {
  let node: Node | undefined = root;
  let described: Node | undefined;
  for (const key of path) {
    node = childOf(node, key);
    if (!node) break;
    if (node.description || node.properties || node.oneOf) described = node;
  }
  return path.length === 0 ? root : (described ?? root);
}

function childOf(node: Node | undefined, key: Key): Node | undefined {
  if (typeof key === "number") return node?.items;
  const property = node && propertiesOf(node)[String(key)];
  if (property) return property;
  return typeof node?.additionalProperties === "object" ? node.additionalProperties : undefined;
}

function propertiesOf(node: Node | undefined): { readonly [key: string]: Node } {
  const members = node?.oneOf ?? node?.anyOf ?? [];
  return Object.assign({}, ...members.map((member) => member.properties ?? {}), node?.properties);
}
