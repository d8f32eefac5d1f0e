// A copy of the program with a mistake put in by hand, in a folder of its own: the product has no switches for such.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Edit = {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly search: string;
  readonly replace: string;
};

export type PatchedCopy = { readonly folder: string; remove(): Promise<void> };

const ROOT = join(import.meta.dirname, "../../..");
/** All that the simulator is made of. */
const COPIED = ["package.json", "shared", "scripts", "test/domain", "test/fakes", "test/simulation"];
const MAX_LINES = 5;

/** Throws when an edit no longer fits the program as it is. */
export async function makePatchedCopy(edits: readonly Edit[]): Promise<PatchedCopy> {
  const lines = edits.reduce(
    (sum, { search, replace }) => sum + Math.max(lineCount(search), lineCount(replace)),
    0,
  );
  if (lines > MAX_LINES)
    throw new RangeError(`a patch has at most ${MAX_LINES} lines; this one has ${lines}`);
  const folder = await mkdtemp(join(tmpdir(), "npu-dispatch-control-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    for (const edit of edits) await apply(folder, edit);
    return { folder, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function apply(folder: string, { file, search, replace }: Edit): Promise<void> {
  const path = join(folder, file);
  const parts = (await readFile(path, "utf8")).split(search);
  if (parts.length !== 2) {
    throw new Error(`${file} has this ${parts.length - 1} times, not once; make the patch anew:\n${search}`);
  }
  await writeFile(path, parts.join(replace));
}

function lineCount(text: string): number {
  return text.split("\n").length;
}
