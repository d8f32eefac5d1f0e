// The simulator over a patched copy of the program: a mistake that is put in by hand must be found.
import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
/** All that the simulator is made of. */
const COPIED = ["package.json", "shared", "scripts", "test/domain", "test/fakes", "test/simulation"];

/** Answers the exit code of the simulator in the copy: 1 when it has found something. `args`: of the simulator. */
export async function controlled(patch: string, args: readonly string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "npu-dispatch-control-"));
  try {
    for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    const applied = await run(
      "git",
      ["apply", "--unsafe-paths", `--directory=${folder}`, resolve(patch)],
      folder,
    );
    if (applied !== 0) throw new Error(`${patch} does not apply to the program as it is; make it anew`);
    return await run(
      process.execPath,
      [join(folder, "scripts/simulate.ts"), ...withoutControl(args)],
      folder,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function withoutControl(args: readonly string[]): string[] {
  return args.filter(
    (arg, at) => arg !== "--control" && args[at - 1] !== "--control" && !arg.startsWith("--control="),
  );
}

function run(command: string, args: readonly string[], cwd: string): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio: "inherit" });
    child.once("error", fail);
    child.once("exit", (code) => done(code ?? 1));
  });
}
