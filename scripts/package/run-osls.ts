// Runs `osls package` as AWS's build machines could not: offline, without an account, without anything of the user's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Complaint } from "../complaint.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OSLS = join(ROOT, "node_modules", "osls", "bin", "serverless.js");

/**
 * Throws a complaint with its output when it fails. `args`: such as `--stage prod`; `folder`: with serverless.yml and what
 * that names; the package is in `.serverless` of it then.
 */
export async function runOsls(
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(process.execPath, [OSLS, "package", ...args], {
    cwd: folder,
    env: { ...withoutAws(env), SLS_NOTIFICATIONS_MODE: "off", SLS_TELEMETRY_DISABLED: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(String(chunk)));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Complaint(`osls package ended with code ${code}:\n${output.join("")}`);
}

/** A half-set AWS profile makes osls look for credentials, which packaging does not need. */
function withoutAws(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith("AWS_"));
  return Object.fromEntries(kept);
}
