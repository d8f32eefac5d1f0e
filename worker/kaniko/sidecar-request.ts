// What the sidecar is asked, and what it cannot be asked. Pure.
import { join, relative, sep } from "node:path";
import { executorArguments } from "./executor-arguments.ts";
import { FLAGS } from "./flags.ts";
import type { Sources } from "./locate-build.ts";
import type { Options } from "./parse-arguments.ts";

export type SidecarRequest =
  /** One argument a line: the sidecar has a shell and no more. */
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: string };

/**
 * `--cleanup` leaves its root file system fit for the next build. `--force`, since kaniko tells a container from a
 * machine by the files and mounts that it happens to know, and ends where it finds none.
 */
export function sidecarRequest(options: Options, sources: Sources, folder: string): SidecarRequest {
  const fault = pathFault(options, sources, folder) ?? secretFault(options);
  if (fault !== undefined) return { ok: false, fault };
  const args = executorArguments(new Map([...options, ["cleanup", ["true"]], ["force", ["true"]]]), sources);
  const broken = args.find((arg) => /[\n\r]/.test(arg));
  if (broken !== undefined) {
    const flag = broken.slice(0, broken.indexOf("="));
    return {
      ok: false,
      fault: `${flag} holds a line break, which cannot be handed to the sidecar. Put it into a file.`,
    };
  }
  return { ok: true, text: `${args.join("\n")}\n` };
}

/** In the shared folder; made by the first request. */
export function requestsFolder(folder: string): string {
  return join(folder, ".kaniko");
}

function pathFault(options: Options, sources: Sources, folder: string): string | undefined {
  if (sources.type === "remote" && sources.context === "tar://stdin") {
    return "--context=tar://stdin cannot be handed to the sidecar. Unpack it into a folder of the workspace.";
  }
  const sourcePaths: (readonly [string, string | undefined])[] = [
    ["context", sources.type === "folder" ? sources.folder : undefined],
    ["dockerfile", sources.dockerfile],
  ];
  const outputs = FLAGS.filter(({ path, name }) => path && !INSIDE_SIDECAR.has(name)).flatMap(({ name }) =>
    (options.get(name) ?? []).map((path) => [name, path] as const),
  );
  const outside = [...sourcePaths, ...outputs].find(
    ([, path]) => path?.startsWith(sep) && !isWithin(folder, path),
  );
  if (outside === undefined) return undefined;
  return `--${outside[0]} points to ${outside[1]}, which the sidecar cannot see. It shares ${folder} (KANIKO_SIDECAR_DIR): use a path in there, such as the workspace.`;
}

/** Folders of the sidecar's own. */
const INSIDE_SIDECAR = new Set(["cache-dir", "kaniko-dir"]);

function secretFault(options: Options): string | undefined {
  const fromEnvironment = (options.get("secret") ?? []).some((secret) =>
    /(?:^|,)(?:env=|type=env)/.test(secret),
  );
  return fromEnvironment
    ? "--secret cannot hand a variable to the sidecar, which has an environment of its own. Write it to a file in the workspace and give src=."
    : undefined;
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
}
