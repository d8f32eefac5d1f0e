// What `kaniko` says where it cannot build: one sentence, exit code 2, and no builder is started.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { chooseBackend } from "../../../worker/kaniko/choose-backend.ts";
import { BUILDER, createWorkspace, IN_PLACE, REFUSED, SEED, startDaemon } from "./kaniko-command.ts";

describe("where nothing can be built, one sentence says why", () => {
  const buildkit = { BUILDKIT_HOST: "tcp://127.0.0.1:1", KANIKO_BUILDCTL: BUILDER };
  test.each([
    ["no builder", SEED, {}, /no builder is configured.*gives the pool a builder.*BUILDKIT_HOST/],
    [
      "nobody listens",
      SEED,
      buildkit,
      /cannot be reached at BUILDKIT_HOST=tcp:\/\/127.0.0.1:1: nobody listens/,
    ],
    ["no socket", SEED, { BUILDKIT_HOST: "unix:///nonexistent.sock" }, /no such socket/],
    ["no address", SEED, { BUILDKIT_HOST: "buildkitd:1234" }, /begins with tcp/],
    [
      "no Dockerfile",
      ["--context=.", "-f", "Dockerfile.gpu", "-d", "a/b"],
      buildkit,
      /no Dockerfile at .*Dockerfile.gpu/,
    ],
    ["no context", ["--context=src", "-d", "a/b"], buildkit, /no folder .*src \(--context=src\)/],
    [
      "a flag that BuildKit lacks",
      [...SEED, "--registry-mirror=m"],
      buildkit,
      /--registry-mirror cannot be had/,
    ],
    ["an unknown flag", ["--tag=a"], buildkit, /--tag is not one of kaniko's/],
    ["an unknown back end", SEED, { KANIKO_BACKEND: "docker" }, /KANIKO_BACKEND is "docker"/],
    [
      "no executor",
      SEED,
      { ...IN_PLACE, KANIKO_EXECUTOR: "/kaniko/none" },
      /not in this container|needs root/,
    ],
  ] as const)("%s", async (_title, args, env, sentence) => {
    await using workspace = createWorkspace();
    const ended = await workspace.start(args, env).ended;
    expect(ended.stderr).toMatch(sentence);
    expect(ended).toMatchObject({ code: REFUSED, stdout: "", record: undefined });
    expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("no buildctl, or one that may not be run", async () => {
    await using listening = await startDaemon();
    await using workspace = createWorkspace();
    const missing = { ...listening.env, KANIKO_BUILDCTL: "/nonexistent/buildctl" };
    expect((await workspace.start(SEED, missing).ended).stderr).toContain(
      "/nonexistent/buildctl is not in this container",
    );
    const locked = join(workspace.folder, "buildctl");
    writeFileSync(locked, "");
    chmodSync(locked, 0o644);
    const unusable = await workspace.start(SEED, { ...listening.env, KANIKO_BUILDCTL: locked }).ended;
    expect(unusable).toMatchObject({ code: REFUSED, stderr: expect.stringContaining("may not be executed") });
  });

  it("its own command again, by the executor's path", async () => {
    await using workspace = createWorkspace();
    const { code, stderr } = await workspace.start(SEED, { ...IN_PLACE, NPU_DISPATCH_KANIKO: "1" }).ended;
    expect({ code, stderr }).toEqual({
      code: REFUSED,
      stderr: expect.stringMatching(/^kaniko: .*this command again.*osscontainertools\/kaniko/),
    });
  });

  it("its version, as the executor prints it", async () => {
    const { kaniko } = JSON.parse(
      readFileSync(join(import.meta.dirname, "../../../worker/image/versions.json"), "utf8"),
    );
    await using workspace = createWorkspace();
    expect(await workspace.start(["version"]).ended).toMatchObject({
      code: 0,
      stdout: `Kaniko version :  ${kaniko.version}\n`,
      stderr: "",
    });
  });

  it("help, and no arguments at all", async () => {
    await using workspace = createWorkspace();
    const [help, nothing] = [workspace.start(["--help"]), workspace.start([])];
    expect(await help.ended).toMatchObject({ code: 0, stdout: expect.stringContaining("--destination") });
    expect(await nothing.ended).toMatchObject({
      code: REFUSED,
      stdout: expect.stringContaining("Usage: kaniko"),
    });
  });
});

test("without KANIKO_BACKEND it is the configured one, BuildKit first", () => {
  const typeOf = (env: { readonly [name: string]: string }) => {
    const choice = chooseBackend(env);
    return choice.ok ? choice.backend.type : "none";
  };
  expect(typeOf({ KANIKO_SIDECAR_DIR: "/work" })).toBe("sidecar");
  expect(typeOf({ KANIKO_SIDECAR_DIR: "/work", BUILDKIT_HOST: "tcp://b:1" })).toBe("buildkit");
  expect(typeOf({ KANIKO_SIDECAR_DIR: "/work", BUILDKIT_HOST: "tcp://b:1", KANIKO_BACKEND: "sidecar" })).toBe(
    "sidecar",
  );
  expect(typeOf({ KANIKO_EXECUTOR: "/kaniko/executor" })).toBe("none");
});
