// `npm run package -- --stage prod --region eu-central-1`: what is deployed, built and checked offline, without an account.
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Config } from "../shared/config/config.ts";
import { formatFaults } from "../shared/config/config.ts";
import { toPacked } from "../shared/config/packed.ts";
import { parseConfig } from "../shared/config/parse.ts";
import { bundle, FUNCTIONS } from "./build/bundle.ts";
import { Complaint, stopForComplaint } from "./complaint.ts";
import { checkPackage } from "./package/check-package.ts";
import { checkTemplate } from "./package/check-template.ts";
import { runOsls } from "./package/run-osls.ts";
import type { Template } from "./package/template.ts";
import { parseOptions } from "./parse-options.ts";

const ROOT = join(import.meta.dirname, "..");

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
await makePackage().catch(stopForComplaint);
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

/** In a folder of its own: osls removes what is in `.serverless` of the folder where it works. */
async function makePackage(): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "npu-dispatch-package-")));
  try {
    for (const target of FUNCTIONS) {
      const { bytes } = await bundle(target, join(folder, "dist"));
      await writeFile(join(folder, "dist", target.name, "config.json"), JSON.stringify(toPacked(config)));
      console.log(`${target.name.padEnd(10)} ${(bytes / 1_000).toFixed(0).padStart(5)} kB`);
    }
    await cp(join(ROOT, "serverless.yml"), join(folder, "serverless.yml"));
    const params = values.param.flatMap((param) => ["--param", param]);
    await runOsls(["--stage", values.stage, "--region", values.region, ...params], folder, process.env);
    const made = join(folder, ".serverless");
    await placeZips(folder, join(made, "serverless-state.json"));
    await keep(made);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `osls deploy` works in this folder, and takes each function's zip from the path that the state names. */
async function placeZips(folder: string, state: string): Promise<void> {
  const text = await readFile(state, "utf8");
  await writeFile(
    state,
    text.replaceAll(JSON.stringify(folder).slice(1, -1), JSON.stringify(ROOT).slice(1, -1)),
  );
}

/** What else is in that folder stays. */
async function keep(made: string): Promise<void> {
  try {
    await cp(made, out, { recursive: true });
  } catch (error) {
    const { message } = error as Error;
    throw new Complaint(`The package cannot be written: ${message}. Name another folder with --out.`, {
      cause: error,
    });
  }
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
