// The JSON Schema for editors is current and agrees with the parser; the documentation names every setting.
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseDuration } from "../../shared/config/duration.ts";
import { configJsonSchema } from "../../shared/config/schema.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const dispatchYaml = read("dispatch.yaml");
const documentation = read("docs/configuration.md");

describe("schema/dispatch.schema.json", () => {
  test("is what scripts/generate-schema.ts writes", () => {
    expect(JSON.parse(read("schema/dispatch.schema.json"))).toEqual(configJsonSchema());
  });

  test("accepts the default configuration, which refers to it in its first line", () => {
    const validate = new Ajv({ strict: false, allErrors: true }).compile(configJsonSchema());
    expect(validate(parse(dispatchYaml)), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...parse(dispatchYaml), extra: 1 })).toBe(false);
    expect(dispatchYaml).toMatch(/^# yaml-language-server: \$schema=\.\/schema\/dispatch\.schema\.json\n/);
  });
});

describe("docs/configuration.md", () => {
  test.each(settings(configJsonSchema()))("names %s and its description", (path, description) => {
    // A setting of several drivers has a row for each.
    const rows = documentation.split("\n").filter((line) => line.startsWith(`| \`${path}\` |`));
    expect(rows.join("\n"), `no row for ${path}`).toContain(description);
  });

  test("names every environment variable that is read", () => {
    const sources = ["shared/config/secrets.ts", "shared/config/server-settings.ts"].map(read).join("\n");
    const names = [...sources.matchAll(/env\.(?:text|secret|optionalSecret)\("([A-Z_]+)"/g)].map(
      ([, name]) => name,
    );
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(documentation).toContain(`| \`${name}\` |`);
  });
});

describe("durations", () => {
  test.each([
    ["90s", 90_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["5d", 432_000_000],
  ])("%s", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(["", "5", "s", "1.5h", "-1h", "5 m", "30m1h", "1h1h", "1w"])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

type Node = {
  readonly description?: string;
  readonly properties?: { readonly [key: string]: Node };
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly oneOf?: readonly Node[];
};

/** Every setting as `endpoints[].limits.idle` with its description. */
function settings(node: Node, path = ""): [string, string][] {
  const inner = Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const at = path === "" ? key : `${path}.${key}`;
    return [[at, child.description ?? "(no description)"] as [string, string], ...settings(child, at)];
  });
  const named =
    typeof node.additionalProperties === "object"
      ? settings(node.additionalProperties, `${path}.<name>`)
      : [];
  const listed = node.items ? settings(node.items, `${path}[]`) : [];
  const members = (node.oneOf ?? []).flatMap((member) => settings(member, path));
  return [...inner, ...named, ...listed, ...members];
}
