// Options of a script: a wrong one is a sentence and exit code 2, not a stack trace.
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { stopWith } from "./complaint.ts";

export function parseOptions<const T extends ParseArgsOptionsConfig>(options: T) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    return stopWith(`${(error as Error).message}\nOptions are: ${names.join(", ")}`);
  }
}

/** Of option `--name`. Ends the script where it is none. */
export function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) > 0) return Number(text);
  return stopWith(`--${name} takes a whole number from 1 on`);
}
