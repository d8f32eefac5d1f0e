// AWS's own runtime for Node, where .ci/lambda-ric.sh has built it on this machine. It is no dependency: it needs a compiler.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The one that .ci/lambda-ric.sh builds. */
const VERSION = "4.0.2";

/** Its entry; undefined where it is not built, or `NPU_DISPATCH_RIC` is `off`. */
export function findRic(): string | undefined {
  const { NPU_DISPATCH_CACHE: own, XDG_CACHE_HOME: xdg, NPU_DISPATCH_RIC: wish } = process.env;
  if (wish === "off") return undefined;
  const cache = own || join(xdg || join(homedir(), ".cache"), "npu-dispatch");
  const folder = `aws-lambda-ric-${VERSION}-${process.arch}`;
  const built = join(cache, folder, "node_modules", "aws-lambda-ric");
  const isWhole = existsSync(join(built, "rapid-client.node")) && existsSync(join(built, "index.mjs"));
  return isWhole ? join(built, "index.mjs") : undefined;
}

/** For people. */
export function runtimeName(ric: string | undefined): string {
  if (ric !== undefined) return `AWS's aws-lambda-ric ${VERSION}`;
  return "a stand-in for Lambda's runtime (.ci/lambda-ric.sh builds AWS's own, aws-lambda-ric)";
}
