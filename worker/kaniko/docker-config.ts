// Where the credentials of registries lie.
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildFault } from "./fault.ts";

/**
 * The folder that the job names, the one of the seed's examples, or the one that `docker login` actions write to.
 * Undefined when none holds a config.json.
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

/** The text of its config.json; undefined where it has none. A BuildFault for one that no builder could use. */
export async function readLogins(folder: string): Promise<string | undefined> {
  const path = join(folder, "config.json");
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw unreadable(path, error);
  });
  if (text !== undefined) checkJson(path, text);
  return text;
}

function unreadable(path: string, error: NodeJS.ErrnoException): Error {
  const why = error.code === "EACCES" ? "the user of this step may not read it" : error.message;
  return new BuildFault(
    `the registry logins in ${path} cannot be read: ${why}. Write the file as the runner's user, or name another folder in DOCKER_CONFIG.`,
    { cause: error },
  );
}

/** Its text is a secret, and JSON's own faults quote it. */
function checkJson(path: string, text: string): void {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BuildFault(
    `the registry logins in ${path} are no JSON object. A line break within "auth" does that: use base64 -w0.`,
  );
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
