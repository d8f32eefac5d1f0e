// `npm run bench -- NAME [--json] [--quick]`: each benchmark prints its figures, with --json one line last.

const BENCHES = [
  "abuse",
  "api",
  "api-load",
  "dispatch",
  "failing-starts",
  "kubernetes",
  "release",
  "start-latency",
  "webhook",
  "worker",
];

const [name = "", ...rest] = process.argv.slice(2);
if (!BENCHES.includes(name)) {
  console.error(`usage: npm run bench -- ${BENCHES.join("|")} [--json] [--quick]`);
  process.exit(2);
}
type Bench = { run: (json: boolean, isQuick: boolean) => Promise<Record<string, unknown>> };
const { run } = (await import(`./${name}.ts`)) as Bench;
const json = rest.includes("--json");
const figures = await run(json, rest.includes("--quick"));
if (json) console.log(JSON.stringify(figures));
else for (const [key, value] of Object.entries(figures)) console.log(`${key.padEnd(24)} ${String(value)}`);
// Bounds that it found broken, in sentences.
const broken = figures["broken"];
if (broken !== undefined) {
  console.error(`broken: ${String(broken)}`);
  process.exitCode = 1;
}
process.exit();
