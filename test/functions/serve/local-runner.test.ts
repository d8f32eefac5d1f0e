// What keeps the runners of a local pool from starting, said before the first job.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runnerFaults, runnerUserOf } from "../../../functions/serve/local-runner.ts";
import type { Config } from "../../../shared/config/config.ts";
import { parseConfig } from "../../../shared/config/parse.ts";

const PASSWD = "root:x:0:0::/root:/bin/sh\nrunner:x:4711:4712::/home/runner:/bin/sh\n";
const ROOT = 0;

let dir = "";
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "npd-local-runner-")));
  chmodSync(dir, 0o755);
  mkdirSync(join(dir, "home"));
  for (const name of ["run.sh", "config.sh"]) writeFileSync(join(dir, "home", name), "", { mode: 0o755 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function configOf(env: { readonly [name: string]: string } = {}): Config {
  const pools = { box: { driver: "local", kind: "cpu", env } };
  const read = parseConfig(JSON.stringify({ pools, endpoints: [{ name: "cpu", pool: "box" }] }));
  if (!read.ok) throw new Error(read.faults.join());
  return read.config;
}

function faults(env: { readonly [name: string]: string }, uid: number, runners = "runners"): string[] {
  const places = {
    runnerHome: join(dir, "home"),
    dataDir: join(dir, "data"),
    runnersDir: join(dir, runners),
  };
  return runnerFaults(configOf(env), { ...places, env: {}, uid, passwd: PASSWD }).map(
    ({ path, message, fix }) => `${path}: ${message} ${fix}`,
  );
}

/** What is above the temporary folder is not the test's: in one of `mktemp -d` nobody else may list anything. */
const closed = closedTo(tmpdir());

function closedTo(folder: string): string | undefined {
  if ((statSync(folder).mode & 0o005) !== 0o005)
    return `others may not list ${folder}, where tests have their folders`;
  return dirname(folder) === folder ? undefined : closedTo(dirname(folder));
}

describe("root", () => {
  beforeEach(({ skip }) => {
    if (closed !== undefined) skip(closed);
  });

  test("with neither remedy: both are named", () => {
    expect(faults({}, ROOT)).toEqual([
      expect.stringMatching(/^RUNNER_USER: actions\/runner refuses.* RUNNER_USER .*RUNNER_ALLOW_RUNASROOT=1/),
    ]);
  });

  test.each([{ RUNNER_ALLOW_RUNASROOT: "1" }, { RUNNER_USER: "runner" }, { RUNNER_USER: "4711:4712" }])(
    "with %j: nothing",
    (env) => expect(faults(env, ROOT)).toEqual([]),
  );

  test.each(["nobody-here", "root", "0:0"])("with %s for the runner, who is no other user", (user) => {
    expect(faults({ RUNNER_USER: user }, ROOT)).toEqual([
      expect.stringContaining(`RUNNER_USER: It is ${user}`),
    ]);
  });

  // Seen with actions/runner 2.333.1: to pass through a folder is not enough.
  test("with a folder above the runners' that their user may enter and not list", () => {
    mkdirSync(join(dir, "closed"));
    chmodSync(join(dir, "closed"), 0o711);
    expect(faults({ RUNNER_USER: "runner" }, ROOT, "closed/runners")).toEqual([
      expect.stringContaining(
        `DISPATCH_RUNNERS: the user runner may not list ${dir}/closed, which actions/runner`,
      ),
    ]);
  });

  test("with runners' folders that others may change", ({ skip }) => {
    if (process.getuid?.() !== 0) skip("the owner of a test's folder is not root");
    mkdirSync(join(dir, "runners"));
    chmodSync(join(dir, "runners"), 0o777);
    expect(faults({ RUNNER_USER: "runner" }, ROOT)).toEqual([
      expect.stringContaining("others may write there"),
    ]);
  });

  test("with a release that its user may not read", () => {
    chmodSync(join(dir, "home", "config.sh"), 0o750);
    expect(faults({ RUNNER_USER: "runner" }, ROOT)).toEqual([
      expect.stringContaining(`RUNNER_HOME: the user runner may not read ${dir}/home/config.sh`),
    ]);
  });
});

test("an ordinary user, whose data folder is below one that he may not list", ({ skip }) => {
  if (process.getuid?.() === 0) skip("root may list every folder");
  chmodSync(dir, 0o311);
  try {
    expect(faults({}, 1_000).join()).toContain(`DISPATCH_DATA: this user may not list ${dir}`);
  } finally {
    chmodSync(dir, 0o755);
  }
});

test("an ordinary user with none of that: nothing; only root switches users", () => {
  expect(faults({}, 1_000)).toEqual([]);
  const [pool] = configOf({ RUNNER_USER: "runner" }).pools;
  expect(runnerUserOf(pool!, {}, ROOT)).toBe("runner");
  expect(runnerUserOf(pool!, {}, 1_000)).toBeUndefined();
  expect(runnerUserOf(pool!, { RUNNER_ALLOW_RUNASROOT: "1" }, ROOT)).toBeUndefined();
});
