// DISPATCH_SECRET of a dispatcher whose operator set none: made once, kept beside the store, readable by this user only.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemRandom } from "../../shared/adapters/system/random.ts";

const SECRET_LENGTH = 48;

/** On one machine nobody else needs it. Throws, with what to do, when the data folder takes no file. */
export function ownSecret(env: NodeJS.ProcessEnv, dataDir: string): { DISPATCH_SECRET_FILE?: string } {
  if (env["DISPATCH_SECRET"] !== undefined || env["DISPATCH_SECRET_FILE"] !== undefined) return {};
  const file = join(dataDir, "dispatch-secret");
  if (isEmpty(file)) make(file);
  return { DISPATCH_SECRET_FILE: file };
}

/** An empty one was left by a start on a full disk: nothing can have been sealed with it. */
function isEmpty(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** In one step: whole, or not there. */
function make(file: string): void {
  const draft = `${file}.new`;
  try {
    // What an earlier start left of it may be half a secret.
    rmSync(draft, { force: true });
    const handle = openSync(draft, "wx", 0o600);
    try {
      writeSync(handle, systemRandom.token(SECRET_LENGTH));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
  } catch (cause) {
    rmSync(draft, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(
      `${file} cannot be made (${code}). Check that the folder can be written and the disk is not full.`,
      { cause },
    );
  }
}
