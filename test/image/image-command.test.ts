// `npm run image` with an engine that writes down what it was asked for, and the pure parts of it.
import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findEngine } from "../../scripts/image/engine.ts";
import { readImageOptions } from "../../scripts/image/options.ts";
import { readVersions } from "../../scripts/image/versions.ts";
import { ROOT } from "./image-under-test.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "image-command-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Answers its probe, lists the context that it is given, and keeps its arguments one a line. */
async function addEngine(name: string, probeCode = 0): Promise<void> {
  const script = `#!/bin/bash
case $1 in
  build)
    printf '%s\\n' "$@" >"${folder}/${name}.build"
    cd "\${!#}" && find . -type f | sort >"${folder}/context" && exit "\${BUILD_CODE:-0}" ;;
  push) echo "$@" >>"${folder}/${name}.push" ;;
  *) exit ${probeCode} ;;
esac
`;
  await writeFile(join(folder, name), script);
  await chmod(join(folder, name), 0o755);
}

async function runImageCommand(args: readonly string[], env: { readonly [name: string]: string } = {}) {
  // Only the fake engines, and what they and the command need.
  const path = [folder, "/usr/bin", "/bin"].join(delimiter);
  const child = spawn(process.execPath, [join(ROOT, "scripts", "image.ts"), ...args], {
    env: { PATH: path, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      text[stream] += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, ...text };
}

const linesOf = async (name: string) => (await readFile(join(folder, name), "utf8")).trimEnd().split("\n");

/** Values of a flag that may be repeated. */
const valuesOf = (args: readonly string[], flag: string) =>
  args.flatMap((arg, index) => (args[index - 1] === flag ? [arg] : []));

test("builds a variant with what Dockerfile.worker copies as context, and pushes its tags", async () => {
  await addEngine("docker");
  const { runner } = await readVersions(ROOT);
  const tarball = join(folder, "given.tar.gz");
  await writeFile(tarball, "archive");
  const { code, stdout } = await runImageCommand([
    ...["--variant", "npu", "--tag", "registry.example/npu:1", "--tag", "npu:2", "--push"],
    ...["--base-image", "mirror.example/cann:9; id", "--runner-tarball", tarball],
    ...["--platform", "linux/arm64", "--build-arg", "EXTRA_PACKAGES=cmake ninja-build", "--engine", "docker"],
  ]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "registry.example/npu:1\nnpu:2\n" });
  const args = await linesOf("docker.build");
  expect(valuesOf(args, "--tag")).toEqual(["registry.example/npu:1", "npu:2"]);
  expect(valuesOf(args, "--platform")).toEqual(["linux/arm64"]);
  expect(valuesOf(args, "--build-arg")).toEqual(
    expect.arrayContaining([
      "BUILD_TYPE=npu",
      // One argument, whatever is in it: no shell reads it.
      "BASE_IMAGE=mirror.example/cann:9; id",
      "EXTRA_PACKAGES=cmake ninja-build",
      expect.stringMatching(/^IMAGE_CREATED=20\d\d-/),
    ]),
  );
  expect(await linesOf("docker.push")).toEqual(["push registry.example/npu:1", "push npu:2"]);
  expect(await linesOf("context")).toEqual(
    expect.arrayContaining([
      "./Dockerfile.worker",
      "./dist/kaniko/kaniko.mjs",
      "./dist/supervisor/supervisor.mjs",
      "./dist/worker/hook.js",
      "./dist/worker/main.mjs",
      `./worker/image/downloads/actions-runner-linux-arm64-${runner.version}.tar.gz`,
      "./worker/image/versions.json",
    ]),
  );
});

test("leaves no context behind, whether the build was good or not, and fails when it fails", async () => {
  await addEngine("podman");
  const tmp = await mkdtemp(join(folder, "tmp-"));
  const args = ["--variant", "cpu", "--engine", "podman"];
  const bad = await runImageCommand(args, { BUILD_CODE: "7", TMPDIR: tmp });
  expect(bad).toMatchObject({ code: 1, stdout: "" });
  expect(bad.stderr).toContain("The image was not built: podman ended with code 7");
  const [context = ""] = (await linesOf("podman.build")).slice(-1);
  expect(context.startsWith(tmp)).toBe(true);
  await expect(readFile(join(context, "Dockerfile.worker"))).rejects.toThrow("ENOENT");
});

test("a tarball that is not there is named", async () => {
  await addEngine("docker");
  const { code, stderr } = await runImageCommand(["--variant", "cpu", "--runner-tarball", "/no/such.tar.gz"]);
  expect(code).toBe(1);
  expect(stderr).toBe("--runner-tarball: /no/such.tar.gz could not be read (ENOENT).\n");
});

test.each([
  [[], /--variant says what to build/],
  [["--variant", "tpu"], /--variant is one of npu, gpu, cpu; "tpu" is not/],
  [["--variant", "cpu", "--engine", "kaniko"], /--engine is one of docker, podman, buildah/],
  [["--variant", "cpu", "--platform", "linux/amd64,linux/arm64"], /one at a time/],
  [["--variant", "cpu", "--build-arg", "RUNNER_VERSION"], /--build-arg is NAME=text/],
  [["--variant", "cpu", "--build-arg", "BUILD_TYPE=npu"], /BUILD_TYPE is set by this command/],
  [["--variant", "cpu", "--nonsense"], /nonsense/],
])("%j is refused with a sentence", (argv, sentence) => {
  expect(readImageOptions(argv, "x64")).toEqual({ ok: false, fault: expect.stringMatching(sentence) });
});

test("a usage fault ends with code 2 and the usage", async () => {
  const { code, stderr } = await runImageCommand(["--variant", "tpu"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/"tpu" is not.*usage: npm run image/s);
});

test("a tag of its own is for local use", () => {
  expect(readImageOptions(["--variant", "gpu"], "arm64")).toMatchObject({
    ok: true,
    options: { tags: ["npu-dispatch-worker:dev-gpu"], arch: "arm64", push: false },
  });
});

test("the first engine that answers is taken: docker without its daemon is none", async () => {
  const asked: string[] = [];
  const engine = await findEngine(undefined, async (program) => {
    asked.push(program);
    return { code: program === "docker" ? 1 : 0, output: "" };
  });
  expect({ engine, asked }).toEqual({ engine: "podman", asked: ["docker", "podman"] });
});

test("where no engine works it says what was tried", async () => {
  const none = findEngine(undefined, async (program) => ({
    code: program === "docker" ? 1 : 127,
    output: "",
  }));
  await expect(none).rejects.toThrow(
    'Nothing here can build an image: "docker version" ended with code 1; podman is not installed; buildah is not installed.',
  );
});
