// What actions/runner demands of the folders above its own: its user must be able to list each of them, not only to pass
// through.

export type FolderOwner = { readonly mode: number; readonly uid: number; readonly gid: number };
export type UserIds = { readonly uid: number; readonly gid: number };

const LIST_AND_ENTER = 0o5;

/** By the mode alone; further groups of the user and access lists do not count. */
export function isOpenTo({ mode, uid, gid }: FolderOwner, user: UserIds): boolean {
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return user.uid === 0 || ((mode >> shift) & LIST_AND_ENTER) === LIST_AND_ENTER;
}

/** `/a/b` → `/`, `/a`, `/a/b`. `path` is absolute. */
export function foldersTo(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "");
  return ["/", ...names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`)];
}
