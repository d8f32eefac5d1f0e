// The tree as docs/adr/0021-rooms.md draws it: few files in a room, and imports that only go down.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const MOST_FILES = 20;

/** From the ground up: a room imports those before it. A name that ends in `.ts` is one file of the folder itself. */
const FLOORS: Record<string, readonly string[]> = {
  "shared/domain": [".", "pool", "admission", "job", "worker", "waiting", "upkeep"],
  "shared/usecases": [
    ".",
    "storage",
    "intake",
    "ending",
    "dispatch",
    "pairing",
    "worker-plane",
    "handle-change.ts",
    "client-plane",
    "operator-plane",
    "reconcile",
  ],
  "functions/http": [".", "body", "webhook", "worker", "client", "operator", "reference", "planes.ts"],
};

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .trim()
  .split("\n")
  .filter((file) => existsSync(join(ROOT, file)));

test("no folder has more files than a stranger can take in at once", () => {
  const counts = Map.groupBy(
    files.filter((file) => /^(shared|functions|worker|test|scripts|bench)\//.test(file)),
    dirname,
  );
  // Inputs of tests are looked up by name.
  const full = [...counts].filter(
    ([folder, { length }]) => length > MOST_FILES && !folder.startsWith("test/fixtures"),
  );
  expect(full.map(([folder, { length }]) => `${folder}: ${length}`)).toEqual([]);
});

describe.each(Object.entries(FLOORS))("%s", (folder, rooms) => {
  const own = files.filter((file) => file.startsWith(`${folder}/`) && file.endsWith(".ts"));

  test("has the rooms that it says", () => {
    expect(new Set(own.map((file) => roomOf(file)))).toEqual(new Set(rooms));
  });

  test("imports only go down", () => {
    const upwards = own.flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith(`${folder}/`) && floorOf(target) > floorOf(file))
        .map((target) => `${file} imports ${relative(folder, target)}`),
    );
    expect(upwards).toEqual([]);
  });

  function roomOf(file: string): string {
    const path = relative(folder, file);
    if (rooms.includes(path)) return path;
    return path.includes("/") ? (path.split("/")[0] as string) : ".";
  }

  function floorOf(file: string): number {
    return rooms.indexOf(roomOf(file));
  }
});

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path = ""]) =>
    normalize(join(dirname(file), path)),
  );
}
