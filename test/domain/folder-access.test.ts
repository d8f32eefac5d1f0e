// Who may list a folder, and which folders lie above a path.
import { expect, test } from "vitest";
import { foldersTo, isOpenTo } from "../../shared/domain/folder-access.ts";

const USER = { uid: 4_711, gid: 4_712 };

test.each([
  ["his own", { mode: 0o40500, uid: USER.uid, gid: 0 }, true],
  ["his own, closed to himself", { mode: 0o40077, uid: USER.uid, gid: USER.gid }, false],
  ["his group's", { mode: 0o40750, uid: 0, gid: USER.gid }, true],
  ["closed to his group, open to all others", { mode: 0o40705, uid: 0, gid: USER.gid }, false],
  ["everybody's", { mode: 0o40755, uid: 0, gid: 0 }, true],
  ["one that he may only enter", { mode: 0o40711, uid: 0, gid: 0 }, false],
  ["one that he may only read", { mode: 0o40744, uid: 0, gid: 0 }, false],
])("%s", (_what, folder, open) => {
  expect(isOpenTo(folder, USER)).toBe(open);
  expect(isOpenTo(folder, { uid: 0, gid: 0 })).toBe(true);
});

test("the folders above a path, itself the last", () => {
  expect(foldersTo("/var/lib//x")).toEqual(["/", "/var", "/var/lib", "/var/lib/x"]);
  expect(foldersTo("/")).toEqual(["/"]);
});
