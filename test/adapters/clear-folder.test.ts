// A work folder on a mount that is emptied in less time than it takes: the next job finds it usable, and goes on with it.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clearFolder, clearLeft } from "../../shared/adapters/system/clear-folder.ts";

const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let base = "";
const work = (...names: string[]) => join(base, "_work", ...names);
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "npd-clear-"));
  mkdirSync(work("app", ".git"), { recursive: true });
  for (let n = 0; n < 40; n += 1) writeFileSync(work("app", ".git", `object-${n}`), "");
  mkdirSync(work("_temp"));
});
afterEach(() => rmSync(base, { recursive: true }));

/** As a job does that comes next. */
function checkOut(): void {
  mkdirSync(work("app"));
  writeFileSync(work("app", "file"), "");
}

test("all of it goes, whatever modes and names it has", async () => {
  writeFileSync(Buffer.concat([Buffer.from(`${work()}/`), Buffer.from([0xff])]), "");
  mkdirSync(Buffer.concat([Buffer.from(`${work()}/`), Buffer.from([0xfe, 0x80])]));
  symlinkSync("/etc", work("link"));
  chmodSync(work("app"), 0);
  expect(await clearFolder(work(), OWN)).toBe(0);
  expect(readdirSync(work())).toEqual([]);
  expect(lstatSync(work()).mode & 0o777).toBe(0o755);
});

test("cut off at once, it is the next job's all the same: nothing of the old is in its way", async () => {
  await clearFolder(work(), OWN, AbortSignal.abort());
  expect(readdirSync(work()).filter((name) => !name.startsWith(".npu-dispatch-left-"))).toEqual([]);
  expect(lstatSync(work()).mode & 0o777).toBe(0o755);
  checkOut();
  // Beside the next job the rest goes, and its own stays.
  await clearLeft(work());
  expect(
    readdirSync(work())
      .map((name) => readdirSync(work(name)).length)
      .sort(),
  ).toEqual([0, 1]);
  expect(await clearFolder(work(), OWN)).toBe(0);
  expect(readdirSync(work())).toEqual([]);
});

test("what was cut off more than once goes with the last", async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    await clearFolder(work(), OWN, AbortSignal.abort());
    checkOut();
  }
  expect(await clearFolder(work(), OWN)).toBe(0);
  expect(readdirSync(work())).toEqual([]);
});

test("a link in place of the folder, and a job's own links, lead nowhere", async () => {
  mkdirSync(join(base, "outside"));
  writeFileSync(join(base, "outside", "kept"), "");
  symlinkSync(join(base, "outside"), work(".npu-dispatch-left-x"));
  expect(await clearFolder(work(), OWN)).toBe(0);
  symlinkSync(join(base, "outside"), join(base, "linked"));
  expect(await clearFolder(join(base, "linked"), OWN)).toBe(0);
  await clearLeft(join(base, "gone"));
  expect(readdirSync(join(base, "outside"))).toEqual(["kept"]);
});
