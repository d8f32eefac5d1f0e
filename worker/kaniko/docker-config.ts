// Where the credentials of registries lie.
import { access } from "node:fs/promises";
import { join } from "node:path";

/**
 * The folder that the job names, the one of the seed's examples, or the one that `docker login` actions write to. Undefined when
 * none holds a config.json.
 */
export async function dockerConfig(env: {
  readonly [name: string]: string | undefined;
}): Promise<string | undefined> {
  const named = env["DOCKER_CONFIG"];
  if (named) return named;
  const home = env["HOME"];
  for (const folder of [registryLogins(env), ...(home ? [join(home, ".docker")] : [])]) {
    if (await isThere(join(folder, "config.json"))) return folder;
  }
  return undefined;
}

/** The folder of the seed's examples; the worker empties it after the job. */
export function registryLogins(env: { readonly [name: string]: string | undefined }): string {
  return env["KANIKO_DOCKER_DIR"] || "/kaniko/.docker";
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    // Another user's home is nobody's credentials.
    if (
      error instanceof Error &&
      "code" in error &&
      ["ENOENT", "ENOTDIR", "EACCES"].includes(String(error.code))
    )
      return false;
    throw error;
  }
}
