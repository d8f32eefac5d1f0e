// The runner stand-in's one program: configure, remove or run, and an exit code of actions/runner's list.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { readInputs } from "./inputs.mjs";
import { validateReadable } from "./permissions.mjs";
import { writeError } from "./terminal.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TERMINATED_ERROR = 1;

process.exit(await main());

async function main() {
  const [command = "help", ...rest] = process.argv.slice(2);
  try {
    validateReadable(ROOT);
    const inputs = readInputs(command, rest, process.env);
    if (command === "run") return await (await import("./listen.mjs")).listen(ROOT, inputs);
    const { configure, remove } = await import("./configure.mjs");
    return command === "configure" ? await configure(ROOT, inputs) : await remove(ROOT, inputs);
  } catch (error) {
    writeError(`An error occurred: ${error.message}`);
    return TERMINATED_ERROR;
  }
}
