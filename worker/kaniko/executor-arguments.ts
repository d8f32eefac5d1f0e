// The options again as arguments of kaniko's own executor, paths absolute: it may run in another folder or container. Pure.
import { FLAGS } from "./flags.ts";
import type { Sources } from "./locate-build.ts";
import type { Options } from "./parse-arguments.ts";

export function executorArguments(options: Options, sources: Sources): string[] {
  const context = sources.type === "folder" ? `dir://${sources.folder}` : sources.context;
  return [
    ...(options.has("bucket") ? [] : [`--context=${context}`]),
    ...(sources.dockerfile === undefined ? [] : [`--dockerfile=${sources.dockerfile}`]),
    ...FLAGS.flatMap(({ name }) => (options.get(name) ?? []).map((value) => `--${name}=${value}`)),
  ];
}
