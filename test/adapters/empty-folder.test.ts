import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { emptyFolder, removeFolder } from "../../shared/adapters/system/empty-folder.ts";

let base = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "npd-empty-"));
  mkdirSync(join(base, "_work"));
  mkdirSync(join(base, "outside"));
  writeFileSync(join(base, "outside", "kept"), "kept");
});
afterEach(() => removeFolder(base));

const work = (...names: string[]) => join(base, "_work", ...names);

it("removes what may not be read, entered or written", async () => {
  mkdirSync(work("a", "b"), { recursive: true });
  for (const name of ["a/f", "a/b/f", ".hidden", "-rf"]) writeFileSync(work(name), "");
  chmodSync(work("a", "f"), 0);
  chmodSync(work("a", "b"), 0);
  chmodSync(work("a"), 0o500);

  expect(await emptyFolder(work())).toBe(0);
  expect(readdirSync(work())).toEqual([]);
});

it("follows no link out of it", async () => {
  symlinkSync(join(base, "outside"), work("folder"));
  symlinkSync(join(base, "outside", "kept"), work("file"));
  mkdirSync(work("deep"));
  symlinkSync(join(base, "outside"), work("deep", "folder"));

  expect(await emptyFolder(work())).toBe(0);
  expect(readdirSync(work())).toEqual([]);
  expect(readFileSync(join(base, "outside", "kept"), "utf8")).toBe("kept");
});

it("leaves alone what is a link itself, or no folder", async () => {
  symlinkSync(join(base, "outside"), join(base, "link"));
  for (const name of ["link", "nothing", "outside/kept"]) expect(await emptyFolder(join(base, name))).toBe(0);
  expect(existsSync(join(base, "outside", "kept"))).toBe(true);
  expect(lstatSync(join(base, "link")).isSymbolicLink()).toBe(true);
});

it("is as deep as a job likes", async () => {
  // Deeper than a path may be long: made from within, since no path could name it.
  const here = process.cwd();
  const name = "d".repeat(200);
  try {
    process.chdir(work());
    for (let depth = 0; depth < 60; depth += 1) {
      mkdirSync(name);
      process.chdir(name);
    }
  } finally {
    process.chdir(here);
  }

  expect(await emptyFolder(work())).toBe(0);
  expect(readdirSync(work())).toEqual([]);
});

it("removes names that are no UTF-8", { timeout: 5_000 }, async () => {
  const odd = (name: number[]) => Buffer.concat([Buffer.from(`${work()}/`), Buffer.from(name)]);
  mkdirSync(odd([0xff]));
  writeFileSync(Buffer.concat([odd([0xff]), Buffer.from([0x2f, 0xc3, 0x28])]), "");
  writeFileSync(odd([0x66, 0x80]), "");

  expect(await emptyFolder(work())).toBe(0);
  expect(readdirSync(work())).toEqual([]);
});

it("removes a folder that is closed itself, and of a link only the link", async () => {
  mkdirSync(work("a", "b"), { recursive: true });
  symlinkSync(join(base, "outside"), work("a", "link"));
  chmodSync(work("a", "b"), 0);
  chmodSync(work("a"), 0);
  chmodSync(work(), 0);
  await removeFolder(work());
  await removeFolder(work());

  symlinkSync(join(base, "outside"), work());
  await removeFolder(work());
  expect(readdirSync(base)).toEqual(["outside"]);
  expect(readFileSync(join(base, "outside", "kept"), "utf8")).toBe("kept");
});

it("takes what belongs to other users, where it is root", async ({ skip }) => {
  if (process.getuid?.() !== 0) skip("only root can give files to other users");
  mkdirSync(work("theirs", "sealed"), { recursive: true });
  writeFileSync(work("theirs", "sealed", "file"), "");
  for (const name of ["theirs/sealed/file", "theirs/sealed", "theirs"]) chownSync(work(name), 61_009, 61_009);
  chmodSync(work("theirs", "sealed"), 0o700);
  chmodSync(work("theirs"), 0o1700);

  expect(await emptyFolder(work())).toBe(0);
  expect(readdirSync(work())).toEqual([]);
});

it("ends when it is told to, and says how much is left", async () => {
  for (const name of ["a", "b"]) mkdirSync(work(name));
  expect(await emptyFolder(work(), AbortSignal.abort())).toBe(2);
});
