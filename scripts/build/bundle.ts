// One bundle with esbuild: offline, without credentials.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build, type Metafile } from "esbuild";

export type Target = {
  readonly name: string;
  readonly entry: string;
  readonly file: string;
  readonly node: string;
  readonly maxBytes: number;
  /** Files that it reads at run time; minified into its folder. */
  readonly beside?: readonly string[];
  /** What it imports only when it needs it goes into files of its own: the drivers of pools, the client of Kubernetes. */
  readonly split?: boolean;
};

/** A bundle that outgrows its limit fails the build: size is cold-start time. Limits are today's size and some room. */
export const FUNCTIONS: readonly Target[] = [
  functionTarget("webhook", 130_000),
  { ...functionTarget("api", 1_500_000), split: true },
  { ...functionTarget("dispatch", 1_500_000), split: true },
  { ...functionTarget("reconcile", 1_500_000), split: true },
];
export const WORKER: Target = {
  name: "worker",
  entry: "worker/main.ts",
  file: "main.mjs",
  node: "node22",
  maxBytes: 120_000,
  beside: ["worker/hooks/hook.js", "worker/hooks/container-hook.js", "worker/hooks/end-runner.js"],
};
/** Starts the worker in its image, under a user of its own. */
export const SUPERVISOR: Target = {
  name: "supervisor",
  entry: "worker/supervisor.ts",
  file: "supervisor.mjs",
  node: "node22",
  maxBytes: 50_000,
};
/** The image's `kaniko` command. */
export const KANIKO: Target = {
  name: "kaniko",
  entry: "worker/kaniko.ts",
  file: "kaniko.mjs",
  node: "node22",
  maxBytes: 40_000,
};

export type Bundle = { readonly file: string; readonly bytes: number; readonly metafile: Metafile };

const ROOT = join(import.meta.dirname, "..", "..");
const BANNER =
  // Some CommonJS packages in the bundle call require for Node's own modules; ESM has none.
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** Writes `<dir>/<name>/` and `<dir>/<name>.meta.json`, which says what came into the bundle. */
export async function bundle(target: Target, dir: string): Promise<Bundle> {
  const file = join(dir, target.name, target.file);
  // Parts of an earlier build would be packaged with it.
  await rm(dirname(file), { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { [target.file.replace(/\.mjs$/, "")]: target.entry },
    outdir: join(dir, target.name),
    outExtension: { ".js": ".mjs" },
    splitting: target.split ?? false,
    chunkNames: "chunk-[hash]",
    bundle: true,
    minify: true,
    sourcemap: "linked",
    metafile: true,
    platform: "node",
    // Packages' ES modules, whose unused parts fall away: the webhook is 112 kB with them, 241 kB with their CommonJS.
    mainFields: ["module", "main"],
    format: "esm",
    target: target.node,
    banner: { js: BANNER },
    legalComments: "none",
    logLevel: "warning",
  });
  if (target.beside !== undefined) await minify(target.beside, join(dir, target.name));
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, `${target.name}.meta.json`), JSON.stringify(metafile));
  const bytes = bytesAtStart(metafile);
  if (bytes > target.maxBytes) {
    throw new Error(
      `${target.name}: ${bytes} bytes, more than ${target.maxBytes}; ${target.name}.meta.json says what came in`,
    );
  }
  return { file, bytes, metafile };
}

function functionTarget(name: string, maxBytes: number): Target {
  return { name, entry: `functions/${name}.ts`, file: "index.mjs", node: "node24", maxBytes };
}

/** As they are, for a program that is not ours to choose: the runner's Node 20 runs the hook. */
async function minify(files: readonly string[], outdir: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [...files],
    outdir,
    minify: true,
    target: "node20",
    logLevel: "warning",
  });
}

/** The entry and what it imports by statement: what a cold start reads. */
function bytesAtStart({ outputs }: Metafile): number {
  const entries = Object.keys(outputs).filter((name) => outputs[name]?.entryPoint !== undefined);
  const first = entries.filter((name) => !isImportedLater(outputs, name));
  const seen = new Set<string>();
  const visit = (name: string): number => {
    const output = outputs[name];
    if (output === undefined || seen.has(name)) return 0;
    seen.add(name);
    const imported = output.imports.filter(({ kind }) => kind === "import-statement");
    return imported.reduce((sum, { path }) => sum + visit(path), output.bytes);
  };
  return first.reduce((sum, name) => sum + visit(name), 0);
}

/** esbuild calls the target of an `import()` an entry point too. */
function isImportedLater(outputs: Metafile["outputs"], name: string): boolean {
  return Object.values(outputs).some(({ imports }) =>
    imports.some(({ path, kind }) => path === name && kind === "dynamic-import"),
  );
}
