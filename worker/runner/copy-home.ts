// An own copy of a shared folder of actions/runner: what the release holds and what the operator added, nothing of an
// earlier use.
import { chown, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { removeFolder } from "../../shared/adapters/system/empty-folder.ts";
import type { RunProgram } from "../process/run-program.ts";
import { keepCopy } from "./keep-copy.ts";
import type { RunnerUser } from "./runner-user.ts";

export type HomeCopy = {
  readonly source: string;
  /** The copy is below it. */
  readonly workDir: string;
  /** For what is too large to be copied for each worker; undefined: it is copied all the same. */
  readonly keptDir: string | undefined;
  readonly owner: RunnerUser | undefined;
};

/** @returns the copy's path. Throws, with what to look at, where it cannot be made. */
export async function copyHome(
  { source, workDir, keptDir, owner }: HomeCopy,
  run: RunProgram,
): Promise<string> {
  const target = join(workDir, "runner");
  const entries = (await readdir(source)).filter((name) => !isOfAUse(name));
  const names = await existing(source, entries);
  const paths = names.filter((name) => !WRITTEN.includes(name)).map((name) => join(source, name));
  const closed = !(await mayChange(paths, owner, run));
  await removeFolder(target);
  await mkdir(target, { recursive: true });
  if (!(await fill({ target, source, names, closed, keptDir }, run))) {
    throw new Error(
      `${source} could not be copied to ${target}. Is there space, and may the worker read there and write here?`,
    );
  }
  if (owner) await chown(target, owner.uid, owner.gid);
  return target;
}

/**
 * What actions/runner leaves in its folder: a registration, also a migrated one, which counts as configured
 * (ConfigurationStore.cs:236-242 of 258d6c857); its settings and traces (HostContext.cs:450-520); scripts that it writes
 * over (run.sh:17, :41; SystemdControlManager.cs:41); and what its own update keeps beside `bin` and `externals`, which
 * then are links (update.sh.template). Ours too.
 */
function isOfAUse(name: string): boolean {
  return USED.some((names) => names.test(name));
}

const USED = [
  /^\.(?:runner|credential|service$|certificates$|options$|telemetry$|npu-dispatch$)/,
  /^(?:_.*|svc\.sh|runsvc\.sh|run-helper\.(?:sh|cmd)|update\.finished)$/,
  /^(?:(?:bin|externals)\..+|.+\.(?:tar\.gz|zip))$/,
];

/** `-H`: bin and externals are links after an update of the runner's own. */
const COPY = ["-a", "-H", "--reflink=auto"];
const CLONE = ["-a", "-H", "--reflink=always"];
const LINK = ["-a", "-H", "-l"];
const COPY_MS = 120_000;
const FIND_MS = 30_000;
/**
 * Node for JavaScript actions: 6,000 files, five sixths of 600 MB. Links make them a matter of 0.2 s, a copy takes
 * seconds.
 */
const LARGE = "externals";
/** By config.sh, in place. */
const WRITTEN = [".env", ".path"];

type Filling = {
  readonly target: string;
  readonly source: string;
  readonly names: readonly string[];
  readonly closed: boolean;
  readonly keptDir: string | undefined;
};

/**
 * Through a link a job would change the runner of all later jobs, so files are linked that the runner's user can change
 * in no way. Else what is large is linked to a copy of this machine's own, which is looked at before each link, where the
 * file system cannot clone it. Links need the same file system and an owner's right.
 */
async function fill(filling: Filling, run: RunProgram): Promise<boolean> {
  const { target, source, names, closed } = filling;
  const own = names.filter((name) => WRITTEN.includes(name) || !(closed || name === LARGE));
  const others = names.filter((name) => !own.includes(name));
  const copied = await copyInSomeWay([COPY], { source, names: own, target }, run);
  if (!copied) return false;
  return closed
    ? copyInSomeWay([LINK, COPY], { source, names: others, target }, run)
    : fillLarge(filling, others, run);
}

async function fillLarge(
  { target, source, keptDir }: Filling,
  names: readonly string[],
  run: RunProgram,
): Promise<boolean> {
  if (names.length === 0 || (await copyInSomeWay([CLONE], { source, names, target }, run))) return true;
  const kept = keptDir === undefined ? undefined : await keepCopy(join(source, LARGE), keptDir, run);
  const isLinked =
    kept !== undefined && (await copyInSomeWay([LINK], { source: dirname(kept), names, target }, run));
  return isLinked || copyInSomeWay([COPY], { source, names, target }, run);
}

async function mayChange(
  paths: readonly string[],
  owner: RunnerUser | undefined,
  run: RunProgram,
): Promise<boolean> {
  const uid = owner?.uid ?? process.getuid?.();
  if (uid === undefined || uid === 0) return true;
  const changeable = ["(", "-uid", String(uid), "-o", "-perm", "/022", ")", "!", "-type", "l"];
  const found = await run("find", ["-H", ...paths, ...changeable, "-print", "-quit"], FIND_MS);
  return found.type !== "exited" || found.code !== 0 || found.output !== "";
}

async function copyInSomeWay(
  ways: readonly (readonly string[])[],
  { source, names, target }: Pick<Filling, "source" | "names" | "target">,
  run: RunProgram,
): Promise<boolean> {
  if (names.length === 0) return true;
  for (const how of ways) {
    const paths = names.map((name) => join(source, name));
    const result = await run("cp", [...how, "--", ...paths, target], COPY_MS);
    if (result.type === "exited" && result.code === 0) return true;
    // What a way that failed has left would be in the way of the next.
    await Promise.all(names.map((name) => removeFolder(join(target, name))));
  }
  return false;
}

/** Without links that lead nowhere, which cp would stop at. */
async function existing(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const there = await Promise.all(names.map((name) => stat(join(folder, name)).then(() => true, isMissing)));
  return names.filter((_, index) => there[index]);
}

function isMissing(error: unknown): false {
  if (error instanceof Error && "code" in error && ["ENOENT", "ELOOP"].includes(String(error.code)))
    return false;
  throw error;
}
