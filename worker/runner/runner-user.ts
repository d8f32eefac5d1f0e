// Under which user the runner runs, and how a program is started under it.
import { readFile } from "node:fs/promises";
import type { RunnerIdentity } from "./runner-env.ts";

export type RunnerUser = RunnerIdentity & { readonly uid: number; readonly gid: number };
export type Command = { readonly program: string; readonly args: readonly string[] };

/**
 * The user to switch to; undefined when the runner runs as the worker does: nothing asked for, or the worker is not root
 * and cannot switch. Throws when RUNNER_USER names nobody.
 */
export function resolveRunnerUser(
  spec: string | undefined,
  passwd: string,
  workerUid: number | undefined,
): RunnerUser | undefined {
  if (spec === undefined || workerUid !== 0) return undefined;
  const user = findUser(spec, passwd);
  if (!user)
    throw new Error(`RUNNER_USER names ${spec}, who is not in /etc/passwd. Add the user to the image.`);
  return user;
}

/** By name or `uid:gid`; undefined when a name is nobody's. */
export function findUser(spec: string, passwd: string): RunnerUser | undefined {
  const users = passwd.split("\n").map(readEntry);
  const ids = /^(\d+):(\d+)$/.exec(spec);
  if (ids) {
    const [uid, gid] = [Number(ids[1]), Number(ids[2])];
    const entry = users.find((user) => user?.uid === uid);
    return { uid, gid, name: entry?.name, home: entry?.home };
  }
  return users.find((entry) => entry?.name === spec);
}

/**
 * `command` under `user`. By setpriv of util-linux and not by spawn's `uid`: that drops all supplementary groups, and
 * Ascend's device nodes belong to the group HwHiAiUser. What it starts gains nothing by set-uid programs: no sudo.
 */
export function asUser(command: Command, user: RunnerUser | undefined): Command {
  if (user === undefined) return command;
  const groups = user.name === undefined ? "--clear-groups" : "--init-groups";
  const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, groups];
  const powerless = ["--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"];
  return { program: "setpriv", args: [...identity, ...powerless, "--", command.program, ...command.args] };
}

/** The text of /etc/passwd, empty where the system has none. */
export async function readPasswd(path = "/etc/passwd"): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

/** `runner:x:1001:1001::/home/runner:/bin/bash` */
function readEntry(line: string): RunnerUser | undefined {
  const [name, , uid, gid, , home] = line.split(":");
  if (!name || !/^\d+$/.test(uid ?? "") || !/^\d+$/.test(gid ?? "")) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home || undefined };
}
