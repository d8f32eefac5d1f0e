// Bundles the worker and the four functions into dist/: `npm run build`, or `npm run build -- worker` for one of them.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { bundle, FUNCTIONS, KANIKO, SUPERVISOR, WORKER } from "./build/bundle.ts";
import { stopWith } from "./complaint.ts";

const DIST = join(import.meta.dirname, "..", "dist");

const only = process.argv[2];
const all = [WORKER, SUPERVISOR, KANIKO, ...FUNCTIONS];
const targets = all.filter((target) => only === undefined || target.name === only);
if (targets.length === 0) {
  const names = all.map(({ name }) => name).join(", ");
  stopWith(`There is nothing to build with the name "${only}", but ${names}.`);
}
if (only === undefined) await rm(DIST, { recursive: true, force: true });
for (const target of targets) {
  const { bytes } = await bundle(target, DIST);
  console.log(`${target.name.padEnd(10)} ${(bytes / 1_000).toFixed(0).padStart(5)} kB`);
}
