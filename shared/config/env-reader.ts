// Reads variables of an environment one by one and collects what is wrong with them. Values stay texts.
import type { ConfigFault } from "./config.ts";

/** Node's `process.env` and `readFileSync` fit. */
export type EnvSource = {
  readonly env: { readonly [name: string]: string | undefined };
  /** For `…_FILE` variables; throws when the file cannot be read. */
  readonly readFile: (path: string) => string;
};

export type EnvReader = {
  readonly faults: readonly ConfigFault[];
  /** Never undefined: after a fault a stand-in, so that reading goes on to the next fault. */
  text(
    name: string,
    rule: { readonly fix: string; readonly form?: RegExp; readonly standard?: string },
  ): string;
  /** From `NAME` or from the file named in `NAME_FILE`. */
  secret(name: string, rule: SecretRule): string;
  optionalSecret(name: string, rule: SecretRule): string | undefined;
};

type SecretRule = { readonly fix: string; readonly minLength: number };

export function createEnvReader(source: EnvSource): EnvReader {
  const faults: ConfigFault[] = [];
  const fault = (path: string, message: string, fix: string): undefined => {
    faults.push({ path, message, fix });
    return undefined;
  };

  function text(
    name: string,
    rule: { readonly fix: string; readonly form?: RegExp; readonly standard?: string },
  ): string {
    const value = valueIn(source, name) ?? rule.standard;
    if (value === undefined) fault(name, "It is not set.", rule.fix);
    else if (rule.form && !rule.form.test(value)) fault(name, "It does not have the right form.", rule.fix);
    return value ?? "";
  }

  function optionalSecret(name: string, rule: SecretRule): string | undefined {
    const direct = valueIn(source, name);
    const file = valueIn(source, `${name}_FILE`);
    if (direct !== undefined && file !== undefined) {
      return fault(name, `${name} and ${name}_FILE are both set.`, "Remove one of them.");
    }
    const found =
      direct !== undefined ? { place: name, value: direct } : fromFile(`${name}_FILE`, file, rule);
    if (found === undefined || found.value.length >= rule.minLength) return found?.value;
    const message = `It has ${found.value.length} characters; at least ${rule.minLength} are needed.`;
    return fault(found.place, message, rule.fix);
  }

  function fromFile(place: string, file: string | undefined, rule: SecretRule) {
    if (file === undefined) return undefined;
    try {
      return { place, value: source.readFile(file).trim() };
    } catch (error) {
      const code = (error as { code?: string }).code ?? "unreadable";
      return fault(place, `The file ${file} cannot be read (${code}).`, `Correct the path. ${rule.fix}`);
    }
  }

  function secret(name: string, rule: SecretRule): string {
    const before = faults.length;
    const value = optionalSecret(name, rule);
    if (value === undefined && faults.length === before) fault(name, "It is not set.", rule.fix);
    return value ?? "";
  }

  return { faults, text, secret, optionalSecret };
}

/** Trimmed: a line break at the end of a pasted secret is no part of it. Empty is not set. */
function valueIn({ env }: EnvSource, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}
