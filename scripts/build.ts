// Bundles the worker and the four functions with esbuild into dist/: offline, without credentials.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const BANNER =
  // Some CommonJS packages in the bundle call require for Node's own modules; ESM has none.
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

type Target = { readonly name: string; readonly entry: string; readonly node: string; readonly maxBytes: number };

/** A bundle that outgrows its limit fails the build: size is cold-start time. Limits are today's size and some room. */
const FUNCTIONS: readonly Target[] = [
  { name: "webhook", entry: "functions/webhook.ts", node: "node24", maxBytes: 200_000 },
  { name: "api", entry: "functions/api.ts", node: "node24", maxBytes: 1_500_000 },
  { name: "dispatch", entry: "functions/dispatch.ts", node: "node24", maxBytes: 1_500_000 },
  { name: "reconcile", entry: "functions/reconcile.ts", node: "node24", maxBytes: 1_500_000 },
];
const WORKER: Target = { name: "worker", entry: "worker/main.ts", node: "node22", maxBytes: 300_000 };

const only = process.argv[2];
const targets = [WORKER, ...FUNCTIONS].filter((target) => only === undefined || target.name === only);
if (only === undefined) await rm(join(ROOT, "dist"), { recursive: true, force: true });
for (const target of targets) console.log(await bundle(target));

async function bundle(target: Target): Promise<string> {
  const outfile = join(ROOT, "dist", target.name, target === WORKER ? "main.mjs" : "index.mjs");
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [target.entry],
    outfile,
    bundle: true,
    minify: true,
    sourcemap: "linked",
    metafile: true,
    platform: "node",
    format: "esm",
    target: target.node,
    banner: { js: BANNER },
    legalComments: "none",
    logLevel: "warning",
  });
  await mkdir(join(ROOT, "dist"), { recursive: true });
  await writeFile(join(ROOT, "dist", `${target.name}.meta.json`), JSON.stringify(result.metafile));
  const bytes = bundleBytes(result.metafile);
  if (bytes > target.maxBytes) {
    throw new Error(
      `${target.name}: ${bytes} bytes, more than ${target.maxBytes}; see dist/${target.name}.meta.json for what came in`,
    );
  }
  return `${target.name.padEnd(10)} ${(bytes / 1_000).toFixed(0).padStart(5)} kB`;
}

function bundleBytes(metafile: Metafile): number {
  return Object.entries(metafile.outputs)
    .filter(([name]) => name.endsWith(".mjs"))
    .reduce((sum, [, output]) => sum + output.bytes, 0);
}
