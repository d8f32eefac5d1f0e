// What actions/runner demands of the folders above its own. Lines of actions/runner are those of 258d6c857.
import { readdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Each must be readable by the runner's user, not only searchable (IOUtil.cs:431-464). Asked for the runner's own folder
 * by config.sh and run.sh (Listener/Program.cs:88-100), and for its work folder (Runner.cs:413-425,
 * JobRunner.cs:147-158). Seen with a parent of 0711.
 * @throws {Error}
 */
export function validateReadable(directory) {
  for (let folder = directory; ; folder = dirname(folder)) {
    try {
      readdirSync(folder);
    } catch (error) {
      if (error.code !== "EACCES" && error.code !== "EPERM") throw error;
      throw new Error(
        `Permission to read the directory contents is required for '${directory}' and each directory up the hierarchy. Access to the path '${folder}' is denied.`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}
