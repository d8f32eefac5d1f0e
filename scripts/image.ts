// `npm run image -- --variant cpu`: builds the worker image with docker, podman or buildah, whichever this machine has.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { buildArguments } from "./image/build-arguments.ts";
import { stageContext } from "./image/context.ts";
import { buildCommand, findEngine, pushCommand } from "./image/engine.ts";
import { readImageOptions, USAGE } from "./image/options.ts";
import { runProgram } from "./image/run-program.ts";
import { readVersions } from "./image/versions.ts";

const ROOT = join(import.meta.dirname, "..");

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function main(argv: readonly string[]): Promise<number> {
  const read = readImageOptions(argv, process.arch);
  if (!read.ok) {
    console.error(`${read.fault}\n\n${USAGE}`);
    return 2;
  }
  const { options } = read;
  const versions = await readVersions(ROOT);
  const engine = await findEngine(options.engine, runProgram);
  const context = await stageContext(ROOT, options, versions);
  try {
    const args = buildArguments(options, {
      revision: await revision(),
      createdAt: Date.now(),
    });
    const build = buildCommand(engine, { context, options, args });
    await must(build.program, build.args, "The image was not built");
  } finally {
    await rm(context, { recursive: true, force: true });
  }
  for (const tag of options.push ? options.tags : []) {
    const push = pushCommand(engine, tag);
    await must(push.program, push.args, `${tag} was not pushed`);
  }
  for (const tag of options.tags) console.log(tag);
  return 0;
}

/** Its output goes to stderr: on stdout are the tags and nothing else. */
async function must(program: string, args: readonly string[], fault: string): Promise<void> {
  const { code } = await runProgram(program, args, "show");
  if (code !== 0) throw new Error(`${fault}: ${program} ended with code ${code}, see above.`);
}

/** Empty outside of a git work tree, as in an unpacked archive. */
async function revision(): Promise<string> {
  const { code, output } = await runProgram("git", ["-C", ROOT, "rev-parse", "HEAD"], "keep");
  return code === 0 ? output.trim() : "";
}
