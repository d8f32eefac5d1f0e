// kaniko's command line, read as its executor reads it (Go's pflag). Pure.
import { FLAGS, type Flag } from "./flags.ts";

/** Values by the flag's present name; a switch holds one "true" or "false". */
export type Options = ReadonlyMap<string, readonly string[]>;

export type Parsed =
  | { readonly ok: true; readonly options: Options }
  | { readonly ok: false; readonly fault: string };

export function parseArguments(args: readonly string[]): Parsed {
  const options = new Map<string, readonly string[]>();
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const read = readWord(word, rest);
    if (typeof read === "string") return { ok: false, fault: read };
    const { flag, value } = read;
    options.set(flag.name, flag.kind === "list" ? [...(options.get(flag.name) ?? []), value] : [value]);
  }
  return { ok: true, options };
}

/** The executor takes these from its environment too, so that an image can set them for every build. */
export function withEnvironment(
  options: Options,
  env: { readonly [name: string]: string | undefined },
): Options {
  const merged = new Map(options);
  for (const [variable, name] of ENVIRONMENT) {
    const value = env[variable];
    if (value) merged.set(name, name === "no-push" ? [readBoolean(value) ?? value] : [value]);
  }
  return merged;
}

export function isOn(options: Options, name: string): boolean {
  return options.get(name)?.[0] === "true";
}

export function textOf(options: Options, name: string): string | undefined {
  return options.get(name)?.[0] || undefined;
}

const ENVIRONMENT = [
  ["KANIKO_NO_PUSH", "no-push"],
  ["KANIKO_REGISTRY_MIRROR", "registry-mirror"],
  ["KANIKO_REGISTRY_MAP", "registry-map"],
] as const;

type Given = { readonly flag: Flag; readonly value: string };

/** A fault as text. Takes the next word from `rest` where the flag's value is there. */
function readWord(word: string, rest: string[]): Given | string {
  if (!word.startsWith("-") || word === "-") {
    return `"${word}" belongs to no flag. Is a quotation mark missing, or was --flag=true meant?`;
  }
  const [name, attached] = splitWord(word);
  const flag = BY_NAME.get(name);
  if (flag === undefined) {
    return `the flag ${name} is not one of kaniko's. https://github.com/osscontainertools/kaniko#additional-flags lists them.`;
  }
  if (flag.kind === "switch") return readSwitch(flag, attached ?? "true");
  const value = attached ?? rest.shift();
  return value === undefined ? `the flag ${name} needs a value.` : { flag, value };
}

function readSwitch(flag: Flag, text: string): Given | string {
  const value = readBoolean(text);
  return value === undefined ? `the flag --${flag.name} is true or false, not "${text}".` : { flag, value };
}

/** `--name=value`, `--name`, `-n=value`, `-nvalue`, `-n`: name with its dashes, and the value if it is there. */
function splitWord(word: string): [name: string, value: string | undefined] {
  if (!word.startsWith("--")) {
    const value = word.slice(2);
    return [word.slice(0, 2), value === "" ? undefined : value.replace(/^=/, "")];
  }
  const equals = word.indexOf("=");
  return equals === -1 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** As Go's strconv.ParseBool. */
function readBoolean(text: string): "true" | "false" | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return "true";
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? "false" : undefined;
}

const BY_NAME: ReadonlyMap<string, Flag> = new Map(
  FLAGS.flatMap((flag) => {
    const spellings = [
      `--${flag.name}`,
      flag.short && `-${flag.short}`,
      flag.formerly && `--${flag.formerly}`,
    ];
    return spellings.filter((name) => name !== undefined).map((name) => [name, flag] as const);
  }),
);
