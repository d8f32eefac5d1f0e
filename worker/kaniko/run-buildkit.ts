// A BuildKit daemon builds, by buildctl.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod/mini";
import { buildkitArguments } from "./buildkit-arguments.ts";
import { checkReachable } from "./check-reachable.ts";
import type { Backend } from "./choose-backend.ts";
import { BuildFault } from "./fault.ts";
import { runProgram } from "./run-program.ts";
import type { Build } from "./types.ts";
import { writeDigests } from "./write-digests.ts";

export async function runBuildkit(
  backend: Extract<Backend, { readonly type: "buildkit" }>,
  build: Build,
): Promise<number> {
  const plan = buildkitArguments(build.options, build.sources);
  if (!plan.ok) throw new BuildFault(plan.fault);
  if (plan.idle.length > 0) {
    build.deps.complain(
      `BuildKit has no use for ${plan.idle.map((name) => `--${name}`).join(", ")}; left out.`,
    );
  }
  await checkReachable(backend.address);
  const global = [
    `--addr=${backend.address}`,
    ...(backend.tlsFolder === undefined ? [] : [`--tlsdir=${backend.tlsFolder}`]),
    ...(plan.debug ? ["--debug"] : []),
  ];
  const missing =
    "The worker image has one: is this another image? Add buildctl of the daemon's version to it, or name the program in KANIKO_BUILDCTL.";
  if (!plan.wantsDigest) return await runProgram(backend.program, [...global, ...plan.args], build, missing);
  const folder = await mkdtemp(join(build.env["RUNNER_TEMP"] || tmpdir(), "kaniko-"));
  try {
    const metadata = join(folder, "metadata.json");
    const args = [...global, ...plan.args, `--metadata-file=${metadata}`];
    const code = await runProgram(backend.program, args, build, missing);
    if (code === 0) await writeDigests(build.options, await readDigest(metadata));
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const buildMetadata = z.object({ "containerimage.digest": z.string() });

async function readDigest(path: string): Promise<string> {
  const text = await readFile(path, "utf8");
  const metadata = buildMetadata.safeParse(JSON.parse(text));
  if (metadata.success) return metadata.data["containerimage.digest"];
  throw new BuildFault(
    "the image was built, but buildctl did not tell its digest. Is the daemon older than 0.9?",
  );
}
