// kaniko's executor in this container, which is then its own builder: allowed only where the operator has said so.
import { type Backend, CALLED_BY_US } from "./choose-backend.ts";
import { executorArguments } from "./executor-arguments.ts";
import { BuildFault } from "./fault.ts";
import { runProgram } from "./run-program.ts";
import type { Build } from "./types.ts";

export async function runExecutor(
  { program }: Extract<Backend, { readonly type: "executor" }>,
  build: Build,
): Promise<number> {
  if (build.deps.uid !== undefined && build.deps.uid !== 0) {
    throw new BuildFault(
      `kaniko's executor needs root to unpack an image, and this step runs as uid ${build.deps.uid}. Use BuildKit or a sidecar, or run the runner of a dedicated builder as root.`,
    );
  }
  const missing =
    "Copy /kaniko/executor of ghcr.io/osscontainertools/kaniko into the builder's image, or name the program in KANIKO_EXECUTOR.";
  const called = { ...build, env: { ...build.env, [CALLED_BY_US]: "1" } };
  return await runProgram(program, executorArguments(build.options, build.sources), called, missing);
}
