// Turns zod's issues into faults for people: where, what, and what belongs there.
import type * as z from "zod";
import { editDistance } from "../domain/admission/labels.ts";
import type { ConfigFault } from "./config.ts";
import { settingFor, wordFor } from "./other-words.ts";
import { configJsonSchema } from "./schema.ts";
import {
  alternativesWith,
  choicesOf,
  type Key,
  type Node,
  type Place,
  placeAt,
  propertiesOf,
} from "./schema-nodes.ts";

type Issue = z.core.$ZodIssue;
/** A word that holds the other's letters means it: pullPolicy, imagePullPolicy. Shorter ones are in too many. */
const LETTERS_THAT_TELL = 5;

/** `document`: what was parsed; it says which alternative of a setting somebody chose. */
export function schemaFaults(error: z.ZodError, document: unknown): ConfigFault[] {
  const root = configJsonSchema() as Node;
  return error.issues.flatMap((issue) => faultsOf(issue, root, document));
}

/** `endpoints[2].npus` */
function pathText(path: readonly Key[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "dispatch.yaml";
}

function faultsOf(issue: Issue, root: Node, document: unknown): ConfigFault[] {
  const place = (path: readonly Key[]) => placeAt(root, document, path);
  if (issue.code === "unrecognized_keys") {
    const driver = (place(issue.path.slice(0, 2)).value as { driver?: unknown } | undefined)?.driver;
    return issue.keys.map((key) => ({
      path: pathText([...issue.path, key]),
      message: "There is no such setting.",
      fix: fixKey(key, place(issue.path), issue.path[0] === "pools" ? driver : undefined),
    }));
  }
  const at = pathText(issue.path);
  if (issue.code === "invalid_union" && issue.discriminator !== undefined) {
    return [{ path: at, ...choiceFault(issue.discriminator, place(issue.path.slice(0, -1))) }];
  }
  // A name of someone's own (a pool's) is described where the names are listed.
  const described = place(issue.code === "invalid_key" ? issue.path.slice(0, -1) : issue.path);
  return [{ path: at, message: messageOf(issue), fix: fixValue(issue, described) }];
}

function messageOf(issue: Issue): string {
  if (issue.code === "invalid_format") return "The text does not have the right form.";
  if (issue.code === "invalid_key") return "The name does not have the right form.";
  if (issue.code === "invalid_union") return "No such value is allowed here.";
  const text = issue.message.replace("Invalid input: expected", "Expected");
  return text.replace("received undefined", "but it is missing").replace(/\.?$/, ".");
}

/** Of a setting whose word chooses what the others are, such as a pool's driver. */
function choiceFault(setting: string, place: Place): Omit<ConfigFault, "path"> {
  const choices = choicesOf(place, setting);
  const words = choices.map(({ word }) => word);
  const written = (place.value as { [key: string]: unknown } | undefined)?.[setting];
  const all = choices.map(told).join("; ");
  const meant = wordFor(setting, written) ?? near(written, words);
  return {
    message:
      written === undefined || written === null
        ? `Expected one of ${words.join(", ")}, but it is missing.`
        : `Expected one of ${words.join(", ")}.`,
    fix: meant ? `Did you mean ${meant}?` : `What there is: ${all}.`,
  };
}

/** A driver's description has its word in it: What starts the workers: local (processes on this machine). */
function told({ word, description }: { readonly word: string; readonly description: string }): string {
  const last = description.split(": ").at(-1) ?? "";
  return last.startsWith(word) ? last : `${word} (${last})`;
}

function fixValue(issue: Issue, { node, value }: Place): string {
  const setting = String(issue.path.at(-1));
  if (issue.code === "invalid_value") {
    const meant = wordFor(setting, value) ?? near(value, issue.values.map(String));
    if (meant) return `Did you mean ${meant}?`;
  }
  if (node.description) {
    const quoted = wantsQuotes(issue, node) ? "Put it in quotes. " : "";
    return `${quoted}What belongs here: ${node.description}.`;
  }
  const settings = Object.keys(propertiesOf({ node, value }));
  return settings.length > 0 ? `Write ${settings.join(", ")} there.` : "See docs/configuration.md.";
}

/** YAML reads 8 as a number and true as a choice; where any text will do, the quotes are all that is missing. */
function wantsQuotes(issue: Issue, node: Node): boolean {
  if (issue.code !== "invalid_type" || issue.expected !== "string") return false;
  return node.pattern === undefined && /received (number|boolean)/.test(issue.message);
}

function fixKey(key: string, place: Place, driver: unknown): string {
  const known = Object.keys(propertiesOf(place));
  const meant = settingFor(driver, key) ?? near(key, known) ?? containing(key, known);
  if (meant) return `Did you mean ${meant}?`;
  const others = alternativesWith(place, key);
  const whose = others.length > 0 ? `It is a setting of ${others.join(" and ")}. ` : "";
  return known.length > 0 ? `${whose}Remove it; there are ${known.join(", ")}.` : `${whose}Remove it.`;
}

/** The word of `known` that `written` is a typing error of, or its other case. */
function near(written: unknown, known: readonly string[]): string | undefined {
  if (typeof written !== "string") return undefined;
  const edits = Math.min(2, Math.floor(written.length / 2));
  const distances = known.map((name) => editDistance(written.toLowerCase(), name.toLowerCase()));
  const least = Math.min(...distances);
  return least <= edits ? known[distances.indexOf(least)] : undefined;
}

function containing(key: string, known: readonly string[]): string | undefined {
  const small = key.toLowerCase();
  return known.find((name) => {
    const [short, long] = [small, name.toLowerCase()].sort((a, b) => a.length - b.length);
    return (short ?? "").length >= LETTERS_THAT_TELL && (long ?? "").includes(short ?? "");
  });
}
