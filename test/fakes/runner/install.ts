// Copies the runner stand-in into a fresh folder, as an image has the real runner in /home/runner.
import { chmod, cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @returns `folder`, which now has config.sh, run.sh and bin */
export async function installRunnerStandIn(folder: string): Promise<string> {
  const template = fileURLToPath(new URL(".", import.meta.url));
  await cp(template, folder, { recursive: true, filter: (source) => basename(source) !== "install.ts" });
  for (const script of ["config.sh", "run.sh", "run-helper.sh.template"])
    await chmod(join(folder, script), 0o755);
  return folder;
}
