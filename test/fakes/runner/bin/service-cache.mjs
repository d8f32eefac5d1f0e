// The cache of the service's locations. Where there is no place for it each connection waits, as actions/runner 258d6c857
// does.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wait } from "./server.mjs";

/** Up to ten random waits of 1 to 150 ms (XmlUtility.cs:131-140), half of it. */
const WITHOUT_MS = 750;

/** `$localappdata`, else `~/.config` if it is there, else where this user may not write: VssFileStorage.cs:186-210. */
export async function openServiceCache() {
  const { localappdata, XDG_CONFIG_HOME, HOME } = process.env;
  const config = XDG_CONFIG_HOME || join(HOME ?? "/", ".config");
  const place = localappdata || (existsSync(config) ? config : undefined);
  try {
    if (place === undefined) throw new Error("There is no place for the cache.");
    const folder = join(place, "GitHub", "ActionsService");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "LocationServerMap.xml"), "<LocationServerMappings />\n");
  } catch {
    await wait(WITHOUT_MS);
  }
}
