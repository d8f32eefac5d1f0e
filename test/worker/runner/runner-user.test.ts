import { describe, expect, it } from "vitest";
import { chooseRegistration } from "../../../worker/runner/runner-plan.ts";
import { asUser, resolveRunnerUser } from "../../../worker/runner/runner-user.ts";

describe("the runner's user", () => {
  const passwd = "root:x:0:0:root:/root:/bin/bash\nrunner:x:1001:1002::/home/runner:/bin/bash\n";

  it("is another one only when asked for by a root worker", () => {
    expect(resolveRunnerUser(undefined, passwd, 0)).toBeUndefined();
    expect(resolveRunnerUser("runner", passwd, 1001)).toBeUndefined();
    expect(resolveRunnerUser("runner", passwd, 0)).toEqual({
      name: "runner",
      uid: 1001,
      gid: 1002,
      home: "/home/runner",
    });
    expect(resolveRunnerUser("1001:1000", passwd, 0)).toMatchObject({ uid: 1001, gid: 1000, name: "runner" });
    expect(resolveRunnerUser("7:8", passwd, 0)).toEqual({ uid: 7, gid: 8, name: undefined, home: undefined });
    expect(() => resolveRunnerUser("nobody-here", passwd, 0)).toThrow("/etc/passwd");
  });

  it("is set by setpriv, with the user's groups where it has a name", () => {
    const command = { program: "/r/run.sh", args: ["--once"] };
    expect(asUser(command, undefined)).toBe(command);
    expect(asUser(command, { uid: 7, gid: 8, name: undefined, home: undefined })).toEqual({
      program: "setpriv",
      args: [
        ...["--reuid=7", "--regid=8", "--clear-groups"],
        ...["--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"],
        ...["--", "/r/run.sh", "--once"],
      ],
    });
    expect(asUser(command, { uid: 7, gid: 8, name: "runner", home: undefined }).args).toContain(
      "--init-groups",
    );
  });

  it.each([
    ["auto", true, "token"],
    ["auto", false, "jit"],
    ["token", false, "token"],
    ["jit", true, "jit"],
  ] as const)("makes of %s (another user: %s) %s", (setting, separate, kind) => {
    expect(chooseRegistration(setting, separate)).toBe(kind);
  });
});
