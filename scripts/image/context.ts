// The folder that a build sees: what Dockerfile.worker copies, and nothing else of the work tree.
import { constants } from "node:fs";
import { copyFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, KANIKO, SUPERVISOR, WORKER } from "../build/bundle.ts";
import type { ImageOptions } from "./options.ts";
import type { Versions } from "./versions.ts";

/** Where Dockerfile.worker is in the context. */
export const DOCKERFILE = "Dockerfile.worker";

const IMAGE = join("worker", "image");
const PROGRAMS = [WORKER, SUPERVISOR, KANIKO];

/** @returns a temporary folder; the caller removes it */
export async function stageContext(root: string, options: ImageOptions, versions: Versions): Promise<string> {
  const context = await mkdtemp(join(tmpdir(), "npu-dispatch-image-"));
  try {
    await copyFile(join(root, DOCKERFILE), join(context, DOCKERFILE));
    await cp(join(root, IMAGE), join(context, IMAGE), { recursive: true });
    await addArchives(join(context, IMAGE, "downloads"), options, versions);
    for (const target of PROGRAMS) await bundle(target, join(context, "dist"));
    return context;
  } catch (error) {
    await rm(context, { recursive: true, force: true });
    throw error;
  }
}

/** Under the names that fetch.sh looks for. */
async function addArchives(folder: string, options: ImageOptions, versions: Versions): Promise<void> {
  const { arch, buildArgs } = options;
  const runner = buildArgs["RUNNER_VERSION"] || versions.runner.version;
  const node = buildArgs["NODE_VERSION"] || versions.node.version;
  await add("--runner-tarball", options.runnerTarball, `actions-runner-linux-${arch}-${runner}.tar.gz`);
  await add("--node-tarball", options.nodeTarball, `node-v${node}-linux-${arch}.tar.gz`);
  const buildkit = buildArgs["BUILDKIT_VERSION"] || versions.buildkit.version;
  const platform = arch === "x64" ? "linux-amd64" : "linux-arm64";
  await add("--buildkit-tarball", options.buildkitTarball, `buildkit-v${buildkit}.${platform}.tar.gz`);

  async function add(flag: string, file: string | undefined, name: string): Promise<void> {
    if (file === undefined) return;
    try {
      // 230 MB: a file system that can shares the blocks.
      await copyFile(file, join(folder, name), constants.COPYFILE_FICLONE);
    } catch (error) {
      throw new Error(`${flag}: ${file} could not be read (${describe(error)}).`, { cause: error });
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
