// Options of a script: a wrong one is a sentence and exit code 2, not a stack trace.
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

export function parseOptions<const T extends ParseArgsOptionsConfig>(options: T) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error((error as Error).message);
    console.error(
      `Options are: ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(", ")}`,
    );
    process.exit(2);
  }
}
