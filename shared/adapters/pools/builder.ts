// The builder of a pool: a container beside a worker that builds images for its job, the other end of the `kaniko` command.
import type { StartSpec } from "../../ports/pool-driver.ts";

export type Builder = {
  /** kaniko's executor with a shell. */
  readonly image: string;
  /** The job's work folder, which both containers have at this path. */
  readonly folder: string;
  /** Names as in dispatch.yaml; undefined: every endpoint of the pool. */
  readonly endpoints: readonly string[] | undefined;
};

/** Tells the `kaniko` command, and the builder, where they meet. */
export const FOLDER_VARIABLE = "KANIKO_SIDECAR_DIR";

/**
 * What kaniko's executor cannot do without, as root in a container with no other rights:
 * CHOWN, FOWNER, DAC_OVERRIDE to unpack files of any owner and mode, and to read the job's workspace; FSETID, or chmod
 * drops the setgid bit of files whose group is not root's, without a word; SETFCAP for base images whose programs have
 * capabilities (ping): the build fails on the first of them; SETUID and SETGID for `USER`, and for apt-get; KILL to end
 * what a `RUN` of such a user left.
 */
export const BUILDER_CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETFCAP",
  "SETGID",
  "SETUID",
] as const;

/**
 * Waits for sidecar.sh, which the job's first `kaniko` puts into the folder: both ends of their protocol are then of one
 * image. The job gains nothing by another script, since whatever its Dockerfile says runs in this container as well.
 */
export const BUILDER_COMMAND = [
  "sh",
  "-c",
  `trap "exit 0" TERM INT; script="$${FOLDER_VARIABLE}/.kaniko/sidecar.sh"; until [ -r "$script" ]; do sleep 1; done; exec sh "$script"`,
] as const;

/** Undefined for a worker that gets none. */
export function builderFor<Settings extends Builder>(
  builder: Settings | undefined,
  { endpoint }: Pick<StartSpec, "endpoint">,
): Settings | undefined {
  const wanted = builder?.endpoints;
  return wanted === undefined || wanted.some((name) => isNamed(endpoint, name)) ? builder : undefined;
}

/** Of the pool's variables only those that a build needs too; the certificates of a worker are not in its image. */
export function builderEnv(
  { folder }: Builder,
  env: { readonly [name: string]: string },
): { readonly [name: string]: string } {
  const proxies = Object.entries(env).filter(([name]) => /^(?:https?|no|all)_proxy$/i.test(name));
  return { ...Object.fromEntries(proxies), [FOLDER_VARIABLE]: folder };
}

/** A pattern such as linux-a2-{npus} names all its counts. */
function isNamed(endpoint: string, name: string): boolean {
  const [before = "", after] = name.split("{npus}");
  if (after === undefined) return endpoint === name;
  const count = endpoint.slice(before.length, endpoint.length - after.length);
  return endpoint === `${before}${count}${after}` && /^\d+$/.test(count);
}
