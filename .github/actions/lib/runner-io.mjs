// What an action and its runner say to each other: inputs, outputs, masks, annotations.
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { env, stdout } from "node:process";

/** An input, without the spaces around it; "" when it is not given. */
export function readInput(name) {
  return readVariable(`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`).trim();
}

export function requireInput(name) {
  const value = readInput(name);
  if (value === "") throw new Error(`The input ${name} is missing. Give it under "with:".`);
  return value;
}

/** A variable that the runner sets; "" when it does not. */
export function readVariable(name) {
  // biome-ignore lint/style/noProcessEnv: the environment is all that a runner tells an action
  return env[name] ?? "";
}

export function writeOutput(name, value) {
  const file = readVariable("GITHUB_OUTPUT");
  if (file === "")
    throw new Error("GITHUB_OUTPUT is not set: this action runs as a step of a workflow only.");
  // A delimiter nobody can guess: a value cannot end itself and set another output.
  const end = `end-${randomUUID()}`;
  appendFileSync(file, `${name}<<${end}\n${value}\n${end}\n`);
}

/** From here on the runner shows *** for it in every log of the job. */
export function mask(secret) {
  if (secret !== "") command("add-mask", secret);
}

export function say(text) {
  stdout.write(`${text.replaceAll(/[\r\n]+/g, " ")}\n`);
}

/** @param {"error" | "warning" | "notice"} level */
export function annotate(level, text) {
  command(level, text);
}

/** A text from elsewhere must not become a command of its own: `%` and line breaks are escaped as the runner wants. */
function command(name, text) {
  const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  stdout.write(`::${name}::${escaped}\n`);
}
