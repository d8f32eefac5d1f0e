// Builds that fail: what the builder says is passed on, and one sentence of ours says what it means and what to do.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { readLogins } from "../../../worker/kaniko/docker-config.ts";
import { explainFailure } from "../../../worker/kaniko/explain-failure.ts";
import { eventually } from "../support/eventually.ts";
import { WITHOUT_USERS } from "../support/without-users.ts";
import { createWorkspace, REFUSED, SEED, startDaemon } from "./kaniko-command.ts";

/** As the executor v1.28.3 and buildctl v0.32 print them. */
const WORDS = {
  login:
    'error checking push permissions -- checking push permission for "acme/image:1": POST https://index.docker.io/v2/acme/image/blobs/uploads/: UNAUTHORIZED: authentication required',
  push: "error: failed to solve: failed to push ghcr.io/acme/app:1: denied: permission_denied: write_package",
  network:
    'Get "https://registry.internal/v2/": dial tcp: lookup registry.internal on 10.96.0.10:53: no such host',
  certificate:
    'Get "https://r:5000/v2/": tls: failed to verify certificate: x509: certificate signed by unknown',
  google: "Error: unknown flag: --secret",
  rights: "error building image: chown /var/mail: operation not permitted",
  space: "write /kaniko/0: no space left on device",
  limit: "toomanyrequests: You have reached your pull rate limit",
};

describe("the builder's words and their meaning", () => {
  test.each([
    ["a login that is missing or wrong", WORDS.login, /refused the login.*config\.json.*index\.docker\.io/],
    ["an account that may not push", WORDS.push, /refused the login.*may push there/],
    ["no network to the registry", WORDS.network, /cannot be reached from the builder.*proxy/],
    ["a certificate of the site's own", WORDS.certificate, /does not trust.*--registry-certificate/],
    ["Google's archived image", WORDS.google, /archived that in June 2025: use ghcr\.io\/osscontainertools/],
    ["a builder with too few rights", WORDS.rights, /lacks a right.*SETFCAP/],
    ["a full disk", WORDS.space, /no space left/],
    ["a registry's limit", WORDS.limit, /counts pulls/],
  ])("%s", (_title, words, sentence) => {
    expect(explainFailure(`INFO[0000] Retrieving image manifest\n${words}\n`)).toMatch(sentence);
  });

  it("is that of the last ones, and nothing where they are not known", () => {
    expect(explainFailure(`${WORDS.network}, retrying\n${WORDS.push}`)).toMatch(/refused the login/);
    expect(explainFailure("error: failed to solve: process make did not complete: exit code: 2")).toBe(
      undefined,
    );
  });
});

test("BuildKit: the log, then the sentence, and the builder's own exit code", async () => {
  await using buildkit = await startDaemon();
  await using workspace = createWorkspace();
  const env = { ...buildkit.env, TEST_BUILDER: "1", TEST_WORDS: WORDS.push };
  const { code, stderr } = await workspace.start(SEED, env).ended;
  expect(code).toBe(1);
  expect(stderr).toBe(`builder to stderr\n${WORDS.push}\nkaniko: ${explainFailure(WORDS.push)}\n`);
});

test("a build that went well is not explained, whatever it said", async () => {
  await using buildkit = await startDaemon();
  await using workspace = createWorkspace();
  const { code, stderr } = await workspace.start(SEED, { ...buildkit.env, TEST_WORDS: WORDS.network }).ended;
  expect(code).toBe(0);
  expect(stderr).not.toContain("kaniko:");
});

describe("a sidecar", () => {
  const shared = (workspace: ReturnType<typeof createWorkspace>) => ({
    KANIKO_SIDECAR_DIR: workspace.folder,
  });

  it("whose executor is Google's archived one", async () => {
    await using workspace = createWorkspace();
    workspace.sidecar({ TEST_BUILDER: "1", TEST_WORDS: WORDS.google });
    const { code, stderr } = await workspace.start(SEED, shared(workspace)).ended;
    expect(code).toBe(1);
    expect(stderr).toContain("Google archived that in June 2025");
  });

  it("that dies in the middle of a build, for good", async () => {
    await using workspace = createWorkspace();
    const sidecar = workspace.sidecar({ TEST_BUILDER: "wait" });
    const env = { ...shared(workspace), KANIKO_SIDECAR_WAIT_MS: "1500" };
    const started = workspace.start(SEED, env);
    await eventually("the builder runs", () => started.output().includes("builder to stdout"), 20_000);
    sidecar.kill("SIGKILL");
    const { code, stderr } = await started.ended;
    expect(code).toBe(REFUSED);
    expect(stderr).toMatch(/the sidecar has been silent for 3 s.*memory/);
  });

  it("that is started again in the middle of a build: the build has failed, and the next one works", async () => {
    await using workspace = createWorkspace();
    const sidecar = workspace.sidecar({ TEST_BUILDER: "wait" });
    const started = workspace.start(SEED, shared(workspace));
    await eventually("the builder runs", () => started.output().includes("builder to stdout"), 20_000);
    sidecar.kill("SIGKILL");
    workspace.sidecar();
    expect(await started.ended).toMatchObject({
      code: 137,
      stdout: expect.stringMatching(/ended during the build and started again; for want of memory/),
    });
    expect((await workspace.start(SEED, shared(workspace)).ended).code).toBe(0);
  });

  it("that cannot see the context: the build is not begun", async () => {
    await using workspace = createWorkspace();
    await using other = createWorkspace();
    const { code, stderr } = await workspace.start(SEED, shared(other)).ended;
    expect(code).toBe(REFUSED);
    expect(stderr).toMatch(/--context points to .*which the sidecar cannot see/);
  });

  it("whose folder may not be written", async () => {
    await using workspace = createWorkspace();
    const { code, stderr } = await workspace.start(["--context=.", "--no-push"], {
      KANIKO_SIDECAR_DIR: join(workspace.folder, "Dockerfile"),
    }).ended;
    expect(code).toBe(REFUSED);
    expect(stderr).toMatch(/cannot see|cannot be written/);
  });

  it("gets the script from the command, which a builder of our pools waits for", async () => {
    await using workspace = createWorkspace();
    workspace.waitingSidecar();
    const { code } = await workspace.start(SEED, shared(workspace)).ended;
    expect(code).toBe(0);
    expect(workspace.read(".kaniko/sidecar.sh")).toContain("waiting for builds");
  });
});

describe("registry logins", () => {
  test.each([
    ["with a line break in them", '{"auths":{"r":{"auth":"YWJj\nZGVm"}}}', /are no JSON object.*base64 -w0/],
    ["that are no object", "[]", /are no JSON object/],
  ])("%s stop the build, and are not shown", async (_title, text, sentence) => {
    await using workspace = createWorkspace();
    writeFileSync(join(workspace.dockerConfig, "config.json"), text);
    const { code, stderr, record } = await workspace.start(SEED, { KANIKO_SIDECAR_DIR: workspace.folder })
      .ended;
    expect({ code, record }).toEqual({ code: REFUSED, record: undefined });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain("YWJj");
  });

  it("that the step's user may not read stop the build", async ({ skip }) => {
    if (WITHOUT_USERS) skip(WITHOUT_USERS);
    await using workspace = createWorkspace();
    const path = join(workspace.dockerConfig, "config.json");
    chmodSync(path, 0o600);
    chownSync(path, 0, 0);
    chmodSync(workspace.folder, 0o777);
    const { code, stderr } = await workspace.start(SEED, { KANIKO_SIDECAR_DIR: workspace.folder }, 65_534)
      .ended;
    expect({ code, stderr }).toEqual({
      code: REFUSED,
      stderr: expect.stringMatching(/config\.json cannot be read: the user of this step may not read it/),
    });
  });

  it("that are no file are named", async () => {
    await using workspace = createWorkspace();
    const folder = join(workspace.folder, "odd");
    mkdirSync(join(folder, "config.json"), { recursive: true });
    await expect(readLogins(folder)).rejects.toThrow(/config\.json cannot be read: EISDIR/);
  });

  it("may be missing where the job named a folder", async () => {
    await using workspace = createWorkspace();
    workspace.sidecar();
    const env = { KANIKO_SIDECAR_DIR: workspace.folder, DOCKER_CONFIG: join(workspace.folder, "none") };
    expect((await workspace.start(SEED, env).ended).code).toBe(0);
  });
});
