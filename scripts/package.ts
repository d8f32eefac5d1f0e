// `npm run package -- --stage prod --region eu-central-1`: what is deployed, built and checked offline, without an account.
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Config } from "../shared/config/config.ts";
import { formatFaults } from "../shared/config/config.ts";
import { toPacked } from "../shared/config/packed.ts";
import { parseConfig } from "../shared/config/parse.ts";
import { bundle, FUNCTIONS } from "./build/bundle.ts";
import { stopForComplaint } from "./complaint.ts";
import { checkPackage } from "./package/check-package.ts";
import { checkTemplate } from "./package/check-template.ts";
import { runOsls } from "./package/run-osls.ts";
import type { Template } from "./package/template.ts";
import { parseOptions } from "./parse-options.ts";

const ROOT = join(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

const values = parseOptions({
  config: { type: "string", default: join(ROOT, "dispatch.yaml") },
  stage: { type: "string", default: "dev" },
  region: { type: "string", default: "us-east-1" },
  param: { type: "string", multiple: true, default: [] },
  out: { type: "string", default: join(ROOT, ".serverless") },
});
const out = resolve(values.out);

const config = readConfig(values.config);
const locals = config.pools.filter((pool) => pool.driver === "local").map((pool) => pool.name);
if (locals.length > 0) {
  console.warn(
    `warning: pool ${locals.join(", ")} has the driver "local", which the functions refuse: they have no machine.`,
  );
}
for (const target of FUNCTIONS) {
  const { bytes } = await bundle(target, DIST);
  await writeFile(join(DIST, target.name, "config.json"), JSON.stringify(toPacked(config)));
  console.log(`${target.name.padEnd(10)} ${(bytes / 1_000).toFixed(0).padStart(5)} kB`);
}
await rm(out, { recursive: true, force: true });
const params = values.param.flatMap((param) => ["--param", param]);
await runOsls(["--stage", values.stage, "--region", values.region, ...params], out, process.env).catch(
  stopForComplaint,
);
const template = readTemplate();
const faults = [...checkTemplate(template), ...(await checkPackages(template))];
if (faults.length > 0) {
  console.error(
    `${faults.length} fault(s) in what osls made:\n${faults.map((fault) => `- ${fault}`).join("\n")}`,
  );
  process.exitCode = 1;
} else {
  const resources = Object.keys(template.Resources).length;
  console.log(
    `ok: ${resources} resources checked, ${FUNCTIONS.length} functions loaded; the package is in ${out}`,
  );
}

function readConfig(file: string): Config {
  const parsed = parseConfig(textOf(file));
  if (parsed.ok) return parsed.config;
  console.error(`${file} has faults:\n${formatFaults(parsed.faults)}`);
  process.exit(1);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    console.error(
      `The configuration cannot be read: ${(error as Error).message}. Name another file with --config.`,
    );
    process.exit(1);
  }
}

function readTemplate(): Template {
  return JSON.parse(readFileSync(join(out, "cloudformation-template-update-stack.json"), "utf8")) as Template;
}

async function checkPackages({ Resources }: Template): Promise<string[]> {
  const checks = FUNCTIONS.map(({ name }) => {
    const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`;
    const { Handler: handler = "" } = (Resources[id]?.Properties ?? {}) as { Handler?: string };
    return checkPackage({ name, handler, zip: join(out, `${name}.zip`) });
  });
  return (await Promise.all(checks)).flat();
}
