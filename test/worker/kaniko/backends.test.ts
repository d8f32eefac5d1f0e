// Each back end with real processes: a builder that writes down its arguments, real signals.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { sidecarRequest } from "../../../worker/kaniko/sidecar-request.ts";
import { eventually } from "../support/eventually.ts";
import { createWorkspace, IN_PLACE, REFUSED, SEED, startDaemon } from "./kaniko-command.ts";

describe("BuildKit", () => {
  it("gets the build, the credentials and the address; output and exit code come through; digests are written", async () => {
    await using buildkit = await startDaemon();
    await using workspace = createWorkspace();
    const files = ["--digest-file=out/digest", "--image-name-tag-with-digest-file=names"];
    const env = { ...buildkit.env, KANIKO_BUILDKIT_TLS_DIR: "/certs" };
    const { code, stdout, stderr, record } = await workspace.start([...SEED, ...files, "--push-retry=3"], env)
      .ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "builder to stdout\n" });
    expect(stderr).toBe("kaniko: BuildKit has no use for --push-retry; left out.\nbuilder to stderr\n");
    expect(record?.args.slice(0, 3)).toEqual([`--addr=${env.BUILDKIT_HOST}`, "--tlsdir=/certs", "build"]);
    expect(record?.args).toContain(`--local=context=${workspace.folder}`);
    expect(record?.args).toContain(
      '--output=type=image,"name=docker.io/acme/image:1,docker.io/acme/image:latest",push=true',
    );
    expect(record).toMatchObject({ DOCKER_CONFIG: workspace.dockerConfig, config: '{"auths":{}}' });
    expect(workspace.read("out/digest")).toBe("sha256:4f5b");
    expect(workspace.read("names")).toBe(
      "index.docker.io/acme/image:1@sha256:4f5b\nindex.docker.io/acme/image:latest@sha256:4f5b\n",
    );
  });

  it("fails as the builder does, and writes no digest then", async () => {
    await using buildkit = await startDaemon();
    await using workspace = createWorkspace();
    const env = { ...buildkit.env, TEST_BUILDER: "5" };
    const { code } = await workspace.start([...SEED, "--digest-file=digest"], env).ended;
    expect(code).toBe(5);
    expect(workspace.read("digest")).toBeUndefined();
  });

  it("takes the credentials that the job names, before the seed's place", async () => {
    await using buildkit = await startDaemon();
    await using workspace = createWorkspace();
    const DOCKER_CONFIG = join(workspace.folder, "own");
    mkdirSync(DOCKER_CONFIG);
    const { record } = await workspace.start(SEED, { ...buildkit.env, DOCKER_CONFIG }).ended;
    expect(record?.DOCKER_CONFIG).toBe(DOCKER_CONFIG);
  });

  test.each([["SIGTERM"], ["SIGINT"]] as const)(
    "%s reaches the builder, whose end is ours",
    async (signal) => {
      await using buildkit = await startDaemon();
      await using workspace = createWorkspace();
      const started = workspace.start(SEED, { ...buildkit.env, TEST_BUILDER: "wait" });
      await eventually("the builder runs", () => started.output().includes("builder to stdout"), 20_000);
      started.child.kill(signal);
      expect(await started.ended).toMatchObject({
        code: 130,
        stdout: expect.stringContaining(`builder got ${signal}`),
      });
    },
  );
});

describe("the executor in this container", () => {
  it("is refused by default: it would unpack the image over the runner", async () => {
    await using workspace = createWorkspace();
    const { code, stderr, record } = await workspace.start(SEED, {
      ...IN_PLACE,
      KANIKO_EXECUTOR_IN_PLACE: "0",
    }).ended;
    expect(code).toBe(REFUSED);
    expect(stderr).toMatch(/over the files of this container.*KANIKO_EXECUTOR_IN_PLACE=1/);
    expect(record).toBeUndefined();
  });

  it("in a dedicated builder: arguments with absolute paths; 137 when it is killed; refused without root", async () => {
    await using workspace = createWorkspace();
    const env = { ...IN_PLACE, CI: "true", TEST_BUILDER: "killed" };
    const { code, stderr, record } = await workspace.start([...SEED, "--build-arg=CI"], env).ended;
    if (process.getuid?.() !== 0) {
      expect({ code, stderr }).toEqual({ code: REFUSED, stderr: expect.stringContaining("needs root") });
      return;
    }
    expect(code).toBe(137);
    expect(record?.args).toEqual([
      `--context=dir://${workspace.folder}`,
      `--dockerfile=${workspace.folder}/Dockerfile`,
      "--destination=docker.io/acme/image:1",
      "--destination=docker.io/acme/image:latest",
      "--build-arg=CI=true",
      "--cache=true",
    ]);
  });
});

describe("a sidecar", () => {
  it("builds what it is asked with the job's credentials; its log and exit code come back; nothing is left", async () => {
    await using workspace = createWorkspace();
    workspace.sidecar({ TEST_BUILDER: "3" });
    const { code, stdout, record } = await workspace.start(SEED, { KANIKO_SIDECAR_DIR: workspace.folder })
      .ended;
    expect(code).toBe(3);
    expect(stdout).toContain("builder to stdout");
    expect(stdout).toContain("builder to stderr");
    expect(record?.args).toEqual([
      `--context=dir://${workspace.folder}`,
      `--dockerfile=${workspace.folder}/Dockerfile`,
      "--destination=docker.io/acme/image:1",
      "--destination=docker.io/acme/image:latest",
      "--cache=true",
      "--force=true",
      "--cleanup=true",
    ]);
    expect(record?.config).toBe('{"auths":{}}');
    expect(workspace.read(record?.DOCKER_CONFIG ?? "")).toBeUndefined();
  });

  it("ends its build when the job is cancelled", async () => {
    await using workspace = createWorkspace();
    workspace.sidecar({ TEST_BUILDER: "wait" });
    const started = workspace.start(SEED, { KANIKO_SIDECAR_DIR: workspace.folder });
    await eventually("the builder runs", () => started.output().includes("builder to stdout"), 20_000);
    started.child.kill("SIGTERM");
    expect(await started.ended).toMatchObject({
      code: 130,
      stdout: expect.stringContaining("builder got SIGTERM"),
    });
  });

  it("that is not there is missed within the limit", async () => {
    await using workspace = createWorkspace();
    const env = { KANIKO_SIDECAR_DIR: workspace.folder, KANIKO_SIDECAR_WAIT_MS: "300" };
    const { code, stderr } = await workspace.start(SEED, env).ended;
    expect(code).toBe(REFUSED);
    expect(stderr).toContain("no sidecar took the build within 0.3 s");
  });

  const sources = { type: "folder", folder: "/work/app", dockerfile: "/work/app/Dockerfile" } as const;
  test.each([
    ["a context it cannot see", {}, { ...sources, folder: "/elsewhere" }, /--context points to \/elsewhere/],
    ["an output it cannot write", { "tar-path": "/tmp/a.tar" }, sources, /--tar-path points to \/tmp\/a.tar/],
    ["a path beside the folder", { "tar-path": "/work2/a.tar" }, sources, /--tar-path/],
    ["a variable as a secret", { secret: "id=a,env=TOKEN" }, sources, /--secret/],
    ["a line break", { label: "a=b\nc" }, sources, /--label holds a line break/],
    [
      "its stdin",
      {},
      { type: "remote", context: "tar://stdin", dockerfile: undefined },
      /--context=tar:\/\/stdin/,
    ],
  ] as const)("is not asked for %s", (_title, given, from, fault) => {
    const options = new Map(Object.entries(given).map(([name, value]) => [name, [value]]));
    expect(sidecarRequest(options, from, "/work")).toEqual({
      ok: false,
      fault: expect.stringMatching(fault),
    });
  });
});
