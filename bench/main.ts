// `npm run bench -- NAME [--json]`: each benchmark prints its figures, with --json one line last.
import { existsSync } from "node:fs";
import { join } from "node:path";

const [name = "", ...rest] = process.argv.slice(2);
const file = join(import.meta.dirname, `${name}.ts`);
if (!/^[a-z-]+$/.test(name) || name === "main" || !existsSync(file)) {
  console.error("usage: npm run bench -- api|dispatch|start-latency|webhook|worker [--json]");
  process.exit(2);
}
const { run } = (await import(file)) as { run: (json: boolean) => Promise<Record<string, unknown>> };
const json = rest.includes("--json");
const figures = await run(json);
if (json) console.log(JSON.stringify(figures));
else for (const [key, value] of Object.entries(figures)) console.log(`${key.padEnd(24)} ${String(value)}`);
process.exit(0);
