// Does a function's package hold all that it needs? Unpacked where no node_modules is near, loaded and asked.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startLambda } from "../../test/fakes/lambda/lambda.ts";
import { readZip } from "./read-zip.ts";

export type PackageCheck = {
  readonly name: string;
  /** Path of the zip. */
  readonly zip: string;
  /** As in the template: `dist/webhook/index.handler`. */
  readonly handler: string;
};

const TIMEOUT_MS = 10_000;

/**
 * Without any setting a function must say that its settings are missing: so much of it has loaded and run then. One
 * sentence per fault.
 */
export async function checkPackage({ name, zip, handler }: PackageCheck): Promise<string[]> {
  const entries = readZip(await readFile(zip));
  const module = `${handler.replace(/\.\w+$/, "")}.mjs`;
  const config = join(dirname(module), "config.json");
  const missing = [module, config].filter((file) => !entries.has(file));
  if (missing.length > 0) return [`${name}: its package lacks ${missing.join(" and ")}`];
  const isPart = (file: string) => dirname(file) === dirname(module) && file.endsWith(".mjs");
  const strange = [...entries.keys()].filter((file) => !isPart(file) && file !== config);
  if (strange.length > 0) return [`${name}: its package holds ${strange.join(", ")}, which it does not need`];
  const dir = await mkdtemp(join(tmpdir(), "npu-dispatch-package-"));
  try {
    await unpack(entries, dir);
    return await probe(name, join(dir, module));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function unpack(entries: ReadonlyMap<string, Buffer>, dir: string): Promise<void> {
  for (const [file, content] of entries) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await writeFile(join(dir, file), content);
  }
}

async function probe(name: string, bundle: string): Promise<string[]> {
  const lambda = startLambda({ functions: { [name]: { bundle, env: {}, timeoutMs: TIMEOUT_MS } }, seed: 1 });
  try {
    const outcome = await lambda.invoke(name, {});
    if (outcome.type === "failed" && outcome.errorType === "ConfigError") return [];
    const said = "errorMessage" in outcome ? `: ${outcome.errorMessage}` : "";
    return [`${name}: without settings it ${outcome.type}${said}; expected was a ConfigError`];
  } finally {
    await lambda.stop();
  }
}
