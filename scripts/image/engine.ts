// The program that builds: which one works here, and its command lines.
import { join } from "node:path";
import { DOCKERFILE } from "./context.ts";
import { ENGINES, type EngineName, type ImageOptions } from "./options.ts";
import type { RunProgram } from "./run-program.ts";

export type Command = { readonly program: string; readonly args: readonly string[] };

/** Answers only where it could build: `docker` without its daemon does not. */
const PROBES: { readonly [name in EngineName]: readonly string[] } = {
  docker: ["version", "--format", "{{.Server.Version}}"],
  podman: ["info", "--format", "{{.Version.Version}}"],
  buildah: ["info"],
};

/** Throws, with what to do, when the wanted engine, or any, does not work here. */
export async function findEngine(wanted: EngineName | undefined, run: RunProgram): Promise<EngineName> {
  const tried: string[] = [];
  for (const name of wanted === undefined ? ENGINES : [wanted]) {
    const { code } = await run(name, PROBES[name], "keep");
    if (code === 0) return name;
    tried.push(
      code === 127 ? `${name} is not installed` : `"${name} ${PROBES[name][0]}" ended with code ${code}`,
    );
  }
  throw new Error(
    `Nothing here can build an image: ${tried.join("; ")}. Install docker, podman or buildah, or start its daemon.`,
  );
}

export type Build = {
  readonly context: string;
  readonly options: ImageOptions;
  readonly args: { readonly [name: string]: string };
};

export function buildCommand(engine: EngineName, { context, options, args }: Build): Command {
  const { platform, tags } = options;
  return {
    program: engine,
    args: [
      "build",
      // buildah keeps no layers of itself.
      ...(engine === "buildah" ? ["--layers"] : []),
      "--file",
      join(context, DOCKERFILE),
      ...(platform === undefined ? [] : ["--platform", platform]),
      ...Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
      ...tags.flatMap((tag) => ["--tag", tag]),
      context,
    ],
  };
}

export function pushCommand(engine: EngineName, tag: string): Command {
  return { program: engine, args: ["push", tag] };
}
