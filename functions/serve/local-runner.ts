// Under which user the runners of a local pool run, where their folders are, and what would keep every one of them from
// starting.
import { accessSync, constants, existsSync, readFileSync, type Stats, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config, ConfigFault } from "../../shared/config/config.ts";
import { foldersTo, isOpenTo, type UserIds } from "../../shared/domain/folder-access.ts";

type Env = { readonly [name: string]: string | undefined };
type Pool = Config["pools"][number];

export type RunnerPlaces = {
  readonly runnerHome: string | undefined;
  /** Below it are the local pools' own folders; nobody but the dispatcher may enter it. */
  readonly dataDir: string;
  /** Where runners under another user have theirs. */
  readonly runnersDir: string;
  /** The dispatcher's environment. */
  readonly env: Env;
  readonly uid?: number | undefined;
  readonly passwd?: string;
};

/** Where the worker looks for actions/runner when nothing else is said. */
const RUNNER_HOME = "/home/runner";

/** The user that a pool's workers switch to; undefined: their runners run as the dispatcher does. */
export function runnerUserOf({ env }: Pool, base: Env, uid = process.getuid?.()): string | undefined {
  const own = { ...base, ...env };
  return uid === 0 && !own["RUNNER_ALLOW_RUNASROOT"] ? own["RUNNER_USER"] || undefined : undefined;
}

/** Each of these would let every job of a local pool start in vain, again and again. */
export function runnerFaults({ pools, endpoints }: Config, places: RunnerPlaces): ConfigFault[] {
  const inNeed = pools.filter(
    ({ name, driver }) =>
      driver === "local" && endpoints.some(({ pool, command }) => pool === name && command === undefined),
  );
  return inNeed.flatMap((pool) => [...homeFaults(pool, places), ...userFaults(pool, places)]);
}

function homeFaults({ name, env }: Pool, places: RunnerPlaces): ConfigFault[] {
  const home = homeOf(env, places);
  if (existsSync(join(home, "run.sh"))) return [];
  const message = `${home} has no run.sh, which workers of pool ${name} start.`;
  const fix = "Unpack a release of https://github.com/actions/runner/releases and set it to that folder.";
  return [{ path: "RUNNER_HOME", message, fix }];
}

function homeOf(env: Env, { runnerHome }: RunnerPlaces): string {
  return resolve(env["RUNNER_HOME"] ?? runnerHome ?? RUNNER_HOME);
}

function userFaults(pool: Pool, places: RunnerPlaces): ConfigFault[] {
  const { env, uid = process.getuid?.(), dataDir } = places;
  const own = { ...env, ...pool.env };
  if (uid !== 0) return ownUserFaults(resolve(dataDir));
  if (own["RUNNER_ALLOW_RUNASROOT"]) return [];
  const spec = runnerUserOf(pool, env, uid);
  if (spec !== undefined) return otherUserFaults(pool, spec, places);
  const message = `actions/runner refuses to run as root, and the workers of pool ${pool.name} would run it so.`;
  const fix = `Set RUNNER_USER to another user of this machine, whose jobs then cannot read the dispatcher's files; or, where all jobs are trusted, RUNNER_ALLOW_RUNASROOT=1. Either here or under env: of the pool. Or start npu-dispatch as another user.`;
  return [{ path: "RUNNER_USER", message, fix }];
}

/** Folders that are not there yet are made so that he may. */
function ownUserFaults(folder: string): ConfigFault[] {
  const closed = foldersTo(folder).find((path) => existsSync(path) && !isReadable(path));
  return closed === undefined ? [] : [closedFault("DISPATCH_DATA", closed, "this user", "--data")];
}

function otherUserFaults(pool: Pool, spec: string, places: RunnerPlaces): ConfigFault[] {
  const { passwd = readFileSync("/etc/passwd", "utf8") } = places;
  const user = findUser(spec, passwd);
  if (user === undefined || user.uid === 0) {
    const message = `It is ${spec}, who is ${user === undefined ? "not in /etc/passwd" : "root"}.`;
    return [{ path: "RUNNER_USER", message, fix: "Name another user of this machine, or uid:gid." }];
  }
  const runners = resolve(places.runnersDir);
  const who = `the user ${spec}`;
  const found = foldersTo(runners).filter((path) => existsSync(path));
  const closed = found.find((path) => !isOpenTo(statSync(path), user));
  if (closed !== undefined) return [closedFault("DISPATCH_RUNNERS", closed, who, "DISPATCH_RUNNERS")];
  if (existsSync(runners) && isOthers(statSync(runners))) {
    const message = `${runners} belongs to somebody else, or others may write there.`;
    return [{ path: "DISPATCH_RUNNERS", message, fix: "Name a folder of root's own, with mode 755." }];
  }
  const home = homeOf(pool.env, places);
  const shut = ["run.sh", "config.sh", "bin"].find((name) => {
    const path = join(home, name);
    return existsSync(path) && !isOpenTo(statSync(path), user);
  });
  if (shut === undefined) return [];
  const message = `${who} may not read ${join(home, shut)}, which workers of pool ${pool.name} start.`;
  return [{ path: "RUNNER_HOME", message, fix: `Open it: chmod -R a+rX ${home}` }];
}

function closedFault(path: string, folder: string, who: string, setting: string): ConfigFault {
  const message = `${who} may not list ${folder}, which actions/runner demands of each folder above its own.`;
  return { path, message, fix: `Open it (chmod a+rx ${folder}), or name another place with ${setting}.` };
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isOthers({ uid, mode }: Stats): boolean {
  return uid !== process.getuid?.() || (mode & 0o022) !== 0;
}

/** As the worker finds him: by name, or `uid:gid`. */
function findUser(spec: string, passwd: string): UserIds | undefined {
  const [uid, gid] = (/^(\d+):(\d+)$/.exec(spec)?.slice(1) ??
    passwd
      .split("\n")
      .map((line) => line.split(":"))
      .find(([name]) => name === spec)
      ?.slice(2, 4) ??
    []) as string[];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
