// The files of a configured runner in its root folder.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeLine, writeSuccess } from "./terminal.mjs";

const FILES = [".runner", ".credentials", ".credentials_rsaparams"];

/** A migrated one counts too: actions/runner 258d6c857, ConfigurationStore.cs:236-242. */
export function isConfigured(root) {
  return [".runner", ".runner_migrated"].some((name) => existsSync(join(root, name)));
}

/** @param {Record<string, string>} files name to text */
export function saveSettings(root, files) {
  for (const [name, text] of Object.entries(files)) {
    if (!FILES.includes(name)) throw new Error(`The configuration names an unknown file '${name}'.`);
    writeFileSync(join(root, name), text, { mode: 0o600 });
  }
}

export function loadSettings(root) {
  if (!isConfigured(root)) throw new Error("Not configured. Run config.(sh/cmd) to configure the runner.");
  const settings = JSON.parse(readFileSync(join(root, ".runner"), "utf8"));
  const { data } = JSON.parse(readFileSync(join(root, ".credentials"), "utf8"));
  return { ...settings, credential: data.clientId };
}

export function removeSettings(root) {
  rmSync(join(root, ".credentials_rsaparams"), { force: true });
  for (const name of [".credentials", ".runner"]) {
    const file = join(root, name);
    if (existsSync(file)) {
      rmSync(file);
      writeSuccess(`Removed ${name}`);
    } else {
      writeLine(`Does not exist. Skipping Removing ${name}`);
    }
  }
}
