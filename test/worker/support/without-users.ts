// Whether programs of this checkout can be run under other users: by root, and not where a folder on the way is its
// owner's only.
import { statSync } from "node:fs";
import { dirname } from "node:path";

export const WITHOUT_ROOT =
  process.getuid?.() === 0 ? undefined : "only root can start programs under another user";

const closed = closedOnTheWayTo(process.execPath);

/** Why not, as it is in a folder of `mktemp -d`. Undefined: they can. */
export const WITHOUT_USERS =
  WITHOUT_ROOT ?? (closed && `another user cannot enter ${closed}: check out where others may look`);

function closedOnTheWayTo(file: string): string | undefined {
  const folder = dirname(file);
  if (folder === file) return undefined;
  return (statSync(folder).mode & 0o001) === 0 ? folder : closedOnTheWayTo(folder);
}
