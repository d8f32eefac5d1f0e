// Where the sources and the Dockerfile of a build lie: relative paths made absolute, as the executor finds them.
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FLAGS } from "./flags.ts";
import { type Options, textOf } from "./parse-arguments.ts";

export type Sources =
  | { readonly type: "folder"; readonly folder: string; readonly dockerfile: string }
  /** A git, bucket or tar URL that only the executor itself can fetch. */
  | { readonly type: "remote"; readonly context: string; readonly dockerfile: string | undefined };

type Located =
  | { readonly ok: true; readonly sources: Sources; readonly options: Options }
  | { readonly ok: false; readonly fault: string };

/**
 * `options` come back without `context`, `context-sub-path` and `dockerfile`, and with absolute paths and filled build
 * args.
 */
export async function locateBuild(
  options: Options,
  cwd: string,
  env: { readonly [name: string]: string | undefined },
): Promise<Located> {
  const sources = await findSources(options, cwd);
  if (typeof sources === "string") return { ok: false, fault: sources };
  const rest = new Map(options);
  for (const name of ["context", "context-sub-path", "dockerfile"]) rest.delete(name);
  if (sources.type === "remote") keep(rest, options, "context-sub-path");
  for (const { name } of FLAGS.filter((flag) => flag.path)) {
    const values = rest.get(name);
    if (values)
      rest.set(
        name,
        values.map((value) => absolute(value, cwd)),
      );
  }
  const buildArgs = rest.get("build-arg");
  // A name alone stands for the variable of this environment, which a builder elsewhere does not have.
  if (buildArgs)
    rest.set(
      "build-arg",
      buildArgs.map((arg) => (arg.includes("=") ? arg : `${arg}=${env[arg] ?? ""}`)),
    );
  return { ok: true, sources, options: rest };
}

/** The executor's own default. */
const DEFAULT_CONTEXT = "/workspace/";

async function findSources(options: Options, cwd: string): Promise<Sources | string> {
  const context = textOf(options, "context") ?? DEFAULT_CONTEXT;
  const dockerfile = textOf(options, "dockerfile");
  const [, scheme, path = context] = /^([a-z0-9]+):\/\/(.*)$/is.exec(context) ?? [];
  if (options.has("bucket") || (scheme !== undefined && scheme !== "dir")) {
    return { type: "remote", context, dockerfile };
  }
  const folder = join(resolve(cwd, path), textOf(options, "context-sub-path") ?? "");
  if ((await kindOf(folder)) !== "folder") {
    const given = options.has("context") ? `--context=${context}` : "the default of --context";
    return `there is no folder ${folder} (${given}). Give the folder that holds what the Dockerfile copies.`;
  }
  return await findDockerfile(folder, dockerfile ?? "Dockerfile", cwd);
}

async function findDockerfile(folder: string, dockerfile: string, cwd: string): Promise<Sources | string> {
  if (/^https?:\/\//i.test(dockerfile)) return { type: "folder", folder, dockerfile };
  const candidates = [...new Set([resolve(cwd, dockerfile), resolve(folder, dockerfile)])];
  for (const path of candidates) {
    if ((await kindOf(path)) === "file") return { type: "folder", folder, dockerfile: path };
  }
  return `there is no Dockerfile at ${candidates.join(" or ")}. Give its path to --dockerfile.`;
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  return found.isDirectory() ? "folder" : "file";
}

function keep(target: Map<string, readonly string[]>, from: Options, name: string): void {
  const values = from.get(name);
  if (values) target.set(name, values);
}

/** The digest files may be URLs, to which the executor puts. */
function absolute(path: string, cwd: string): string {
  return /^https?:\/\//i.test(path) ? path : resolve(cwd, path);
}
